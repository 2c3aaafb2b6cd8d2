"""The calls that the bench measures, as FastAPI and asyncpg are commonly used for them.

Reads DATABASE_URL and JWKS_URL. A call's token is verified, and the tenant taken from its
header without asking anybody what the caller may do there.
"""

import os
import uuid
from contextlib import asynccontextmanager
from datetime import date, datetime, timezone
from typing import Annotated

import asyncpg
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel

POOL = 8
COLUMNS = (
    "id, property_id, guest_id, check_in, check_out, status, guest_count, message, internal_note, "
    "decline_reason, approved_booking_id, confirmed_at, decided_by, created_at, updated_at, row_version"
)


class BookingRequest(BaseModel):
    id: uuid.UUID
    property_id: uuid.UUID
    guest_id: uuid.UUID
    check_in: date
    check_out: date
    status: str
    guest_count: int
    message: str
    internal_note: str
    decline_reason: str | None
    approved_booking_id: uuid.UUID | None
    confirmed_at: datetime | None
    decided_by: uuid.UUID | None
    created_at: datetime
    updated_at: datetime
    row_version: int


class Listed(BaseModel):
    booking_requests: list[BookingRequest]
    next_page_token: str


class Approved(BaseModel):
    booking_request_id: uuid.UUID
    booking_id: uuid.UUID
    status: str


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.keys = jwt.PyJWKClient(os.environ["JWKS_URL"])
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=POOL, max_size=POOL) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


def claims(authorization: Annotated[str, Header()]) -> dict:
    token = authorization.removeprefix("Bearer ")
    try:
        key = app.state.keys.get_signing_key_from_jwt(token)
        return jwt.decode(token, key.key, algorithms=["ES256"], options={"verify_aud": False})
    except jwt.PyJWTError as error:
        raise HTTPException(401, str(error)) from error


Claims = Annotated[dict, Depends(claims)]
Tenant = Annotated[uuid.UUID, Header(alias="x-tenant-id")]


@app.get("/v1/me")
async def me(claims: Claims) -> dict:
    return {"user_id": claims["sub"], "expires_at": claims["exp"]}


@app.get("/v1/booking-requests/{id}")
async def get_one(id: uuid.UUID, tenant: Tenant, _: Claims) -> BookingRequest:
    row = await app.state.pool.fetchrow(
        f"select {COLUMNS} from booking_requests where tenant_id = $1 and id = $2", tenant, id
    )
    if row is None:
        raise HTTPException(404, "There is no such booking request.")
    return BookingRequest(**row)


@app.get("/v1/booking-requests")
async def list_them(tenant: Tenant, _: Claims, page_size: int = 50) -> Listed:
    rows = await app.state.pool.fetch(
        f"select {COLUMNS} from booking_requests where tenant_id = $1 "
        "order by created_at desc, id desc limit $2",
        tenant,
        page_size + 1,
    )
    following = str(rows[page_size - 1]["id"]) if len(rows) > page_size else ""
    return Listed(booking_requests=[BookingRequest(**row) for row in rows[:page_size]], next_page_token=following)


@app.post("/v1/booking-requests/{id}/approve")
async def approve(id: uuid.UUID, tenant: Tenant, claims: Claims) -> Approved:
    now, booking = datetime.now(timezone.utc), uuid.uuid4()
    async with app.state.pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            "select property_id, guest_id, check_in, check_out, status from booking_requests "
            "where tenant_id = $1 and id = $2 for update",
            tenant,
            id,
        )
        if row is None:
            raise HTTPException(404, "There is no such booking request.")
        if row["status"] not in ("requested", "under_review"):
            raise HTTPException(409, f"The booking request is {row['status']}.")
        stay = row["property_id"], row["guest_id"], row["check_in"], row["check_out"]
        try:
            await connection.execute(
                "insert into bookings (tenant_id, id, booking_request_id, property_id, guest_id, check_in, "
                "check_out, status, confirmed_at, created_at, updated_at) "
                "values ($1, $2, $3, $4, $5, $6, $7, 'confirmed', $8, $8, $8)",
                tenant, booking, id, *stay, now,
            )
        except asyncpg.ExclusionViolationError as error:
            raise HTTPException(409, "The nights are taken.") from error
        await connection.execute(
            "insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, end_date, "
            "state, created_at) values ($1, $2, $3, 'booking', $4, $5, $6, 'active', $7)",
            tenant, uuid.uuid4(), stay[0], id, stay[2], stay[3], now,
        )
        await connection.execute(
            "update booking_requests set status = 'confirmed', confirmed_at = $3, approved_booking_id = $4, "
            "decided_by = $5, row_version = row_version + 1, updated_at = $3 where tenant_id = $1 and id = $2",
            tenant, id, now, booking, uuid.UUID(claims["sub"]),
        )
        await connection.execute(
            "insert into booking_events (tenant_id, id, at, booking_request_id, booking_id, property_id, action) "
            "values ($1, $2, $3, $4, $5, $6, 'approved')",
            tenant, uuid.uuid4(), now, id, booking, stay[0],
        )
    return Approved(booking_request_id=id, booking_id=booking, status="confirmed")
