select current_setting('unix_socket_directories') as folder
