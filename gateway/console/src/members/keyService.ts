// The API keys of the tenant, as the pages about members call for them.

import { ApiKeyService } from "../generated/frontdesk/identity/v1/api_key_service_pb";
import { clientOf } from "../wire/calls";

export const service = clientOf(ApiKeyService);
