// The services that every page calls, over gRPC-Web. A call carries the session's access
// token and the tenant; one whose token is too old, or that asks for a proof, is made again
// when there is a better one.

import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { DescService } from "@bufbuild/protobuf";
import { BookingRequestService } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { PropertyService } from "../generated/frontdesk/booking/v1/property_service_pb";
import { UserService } from "../generated/frontdesk/identity/v1/user_service_pb";
import { access, isEnd, proveAgain, refreshed, tenantId } from "../session/session";
import { language } from "../text/text";
import { base } from "./base";
import { failureOf } from "./failure";

const authorized: Interceptor = (next) => async (request) => {
  const call = async (token: string) => {
    request.header.set("authorization", `Bearer ${token}`);
    request.header.set("accept-language", language.value);
    // Who somebody is does not depend on a tenant, which may be gone.
    if (tenantId.value && request.service !== UserService) request.header.set("x-tenant-id", tenantId.value);
    return await next(request);
  };
  const token = await access();
  try {
    return await call(token);
  } catch (thrown) {
    const { reason, metadata } = failureOf(thrown);
    if (reason === "TOKEN_EXPIRED") return await call(await refreshed(token));
    if (reason === "STEP_UP_REQUIRED" && (await proveAgain(metadata))) return await call(await access());
    isEnd(reason);
    throw thrown;
  }
};

const transport = createGrpcWebTransport({ baseUrl: base, interceptors: [authorized] });

export function clientOf<S extends DescService>(service: S): Client<S> {
  return createClient(service, transport);
}

export const requests = clientOf(BookingRequestService);
export const properties = clientOf(PropertyService);
export const users = clientOf(UserService);

/** A name for an intent, by which the server knows that it is asked again. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
