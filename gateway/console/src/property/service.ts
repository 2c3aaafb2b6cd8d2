// Properties as these pages call for them: the first load has another, smaller client.

import { PropertyService } from "../generated/later/frontdesk/booking/v1/property_service_pb";
import { clientOf } from "../wire/calls";

export const service = clientOf(PropertyService);
