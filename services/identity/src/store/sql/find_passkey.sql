select {passkey}
from identity.passkeys p
where p.credential = :credential
