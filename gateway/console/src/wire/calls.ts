// The services that every page calls, over gRPC-Web. A call carries the session's access
// token and the tenant; one whose token is too old, or that asks for a proof, is made again
// when there is a better one.

import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { DescService } from "@bufbuild/protobuf";
import { BookingRequestService } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { PropertyService } from "../generated/frontdesk/booking/v1/property_service_pb";
import { UserService } from "../generated/frontdesk/identity/v1/user_service_pb";
import { LONGEST } from "../session/endpoint";
import { access, isEnd, proveAgain, refreshed, seenAs, tenantId } from "../session/session";
import { language } from "../text/text";
import { base } from "./base";
import { failureOf } from "./failure";

export const TENANT = "x-tenant-id";

const authorized: Interceptor = (next) => async (request) => {
  // The page may be at another one by the time there is a token.
  const here = tenantId.peek();
  const call = async (token: string) => {
    request.header.set("authorization", `Bearer ${token}`);
    request.header.set("accept-language", language.value);
    // Who somebody is does not depend on a tenant, which may be gone; nor does what names
    // another one, or none.
    const tenant = request.header.get(TENANT) ?? (request.service === UserService ? "" : here);
    if (tenant) request.header.set(TENANT, tenant);
    else request.header.delete(TENANT);
    // A stream looks for its own silence; and no time is counted while somebody proves who they are.
    return await next(request.stream ? request : { ...request, signal: AbortSignal.any([request.signal, AbortSignal.timeout(LONGEST)]) });
  };
  const token = await access();
  const as = seenAs.peek();
  try {
    return await call(token);
  } catch (thrown) {
    const refusal = failureOf(thrown);
    const { reason, metadata } = refusal;
    // What was asked by one is not asked again by another, as when a look has ended meanwhile.
    if (isEnd(refusal, token) || seenAs.peek() !== as) throw thrown;
    if (reason === "TOKEN_EXPIRED") return await call(await refreshed(token));
    if (reason === "STEP_UP_REQUIRED" && (await proveAgain(metadata))) return await call(await access());
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
