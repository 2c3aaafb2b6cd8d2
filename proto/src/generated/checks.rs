// Generated from the options of the .proto files: run `make generate`.
impl Checked for crate::booking::v1::ApproveBookingRequestResponse {}
impl Checked for crate::booking::v1::ArchiveCustomerResponse {}
impl Checked for crate::booking::v1::BlockPropertyResponse {}
impl Checked for crate::booking::v1::CancelBookingRequestResponse {}
impl Checked for crate::booking::v1::CancelBookingResponse {}
impl Checked for crate::booking::v1::CheckInResponse {}
impl Checked for crate::booking::v1::CheckOutResponse {}
impl Checked for crate::booking::v1::CreateBookingRequestResponse {}
impl Checked for crate::booking::v1::CreateBookingResponse {}
impl Checked for crate::booking::v1::CreateCustomerResponse {}
impl Checked for crate::booking::v1::CreatePropertyResponse {}
impl Checked for crate::booking::v1::DeclineBookingRequestResponse {}
impl Checked for crate::booking::v1::ExplainApprovalResponse {}
impl Checked for crate::booking::v1::GetAvailabilityResponse {}
impl Checked for crate::booking::v1::GetBookingRequestResponse {}
impl Checked for crate::booking::v1::GetBookingResponse {}
impl Checked for crate::booking::v1::GetBookingSettingsResponse {}
impl Checked for crate::booking::v1::GetCustomerResponse {}
impl Checked for crate::booking::v1::GetPropertyResponse {}
impl Checked for crate::booking::v1::GetServerInfoResponse {}
impl Checked for crate::booking::v1::ImportCustomersResponse {}
impl Checked for crate::booking::v1::ListBookingRequestEventsResponse {}
impl Checked for crate::booking::v1::ListBookingRequestsResponse {}
impl Checked for crate::booking::v1::ListBookingsResponse {}
impl Checked for crate::booking::v1::ListCustomersResponse {}
impl Checked for crate::booking::v1::ListInconsistenciesResponse {}
impl Checked for crate::booking::v1::ListPropertiesResponse {}
impl Checked for crate::booking::v1::MarkNoShowResponse {}
impl Checked for crate::booking::v1::MergeCustomersResponse {}
impl Checked for crate::booking::v1::ResolveInconsistencyResponse {}
impl Checked for crate::booking::v1::StartReviewResponse {}
impl Checked for crate::booking::v1::UnarchiveCustomerResponse {}
impl Checked for crate::booking::v1::UnblockPropertyResponse {}
impl Checked for crate::booking::v1::UpdateBookingSettingsResponse {}
impl Checked for crate::booking::v1::UpdateCustomerResponse {}
impl Checked for crate::booking::v1::UpdatePropertyResponse {}
impl Checked for crate::booking::v1::WatchBookingRequestsResponse {}
impl Checked for crate::identity::v1::AcceptInvitationResponse {}
impl Checked for crate::identity::v1::AddMemberResponse {}
impl Checked for crate::identity::v1::ChallengeFactorResponse {}
impl Checked for crate::identity::v1::ChallengePasskeyResponse {}
impl Checked for crate::identity::v1::ChangeEmailResponse {}
impl Checked for crate::identity::v1::ChangeMemberRoleResponse {}
impl Checked for crate::identity::v1::ChangePasswordResponse {}
impl Checked for crate::identity::v1::ConfirmEmailResponse {}
impl Checked for crate::identity::v1::CreateApiKeyResponse {}
impl Checked for crate::identity::v1::CreateRoleResponse {}
impl Checked for crate::identity::v1::CreateTenantResponse {}
impl Checked for crate::identity::v1::CreateUserResponse {}
impl Checked for crate::identity::v1::DeclineInvitationResponse {}
impl Checked for crate::identity::v1::DeleteRoleResponse {}
impl Checked for crate::identity::v1::DeleteTenantResponse {}
impl Checked for crate::identity::v1::DeleteUserResponse {}
impl Checked for crate::identity::v1::DisableUserResponse {}
impl Checked for crate::identity::v1::EnableUserResponse {}
impl Checked for crate::identity::v1::EnrolFactorResponse {}
impl Checked for crate::identity::v1::ExportAuditEventsResponse {}
impl Checked for crate::identity::v1::ExportPlatformAuditEventsResponse {}
impl Checked for crate::identity::v1::FindDeletedTenantsResponse {}
impl Checked for crate::identity::v1::GetInvitationResponse {}
impl Checked for crate::identity::v1::GetJwksResponse {}
impl Checked for crate::identity::v1::GetMeResponse {}
impl Checked for crate::identity::v1::GetSecondFactorPolicyResponse {}
impl Checked for crate::identity::v1::GetServerMetadataResponse {}
impl Checked for crate::identity::v1::GetTenantResponse {}
impl Checked for crate::identity::v1::GetUserResponse {}
impl Checked for crate::identity::v1::InviteMemberResponse {}
impl Checked for crate::identity::v1::IssueTokenResponse {}
impl Checked for crate::identity::v1::JoinByInvitationResponse {}
impl Checked for crate::identity::v1::LeaveTenantResponse {}
impl Checked for crate::identity::v1::ListApiKeysResponse {}
impl Checked for crate::identity::v1::ListAuditEventsResponse {}
impl Checked for crate::identity::v1::ListFactorsResponse {}
impl Checked for crate::identity::v1::ListInvitationsResponse {}
impl Checked for crate::identity::v1::ListMembersResponse {}
impl Checked for crate::identity::v1::ListPlatformAuditEventsResponse {}
impl Checked for crate::identity::v1::ListRolesResponse {}
impl Checked for crate::identity::v1::ListSessionsResponse {}
impl Checked for crate::identity::v1::ListTenantsResponse {}
impl Checked for crate::identity::v1::ListUsersResponse {}
impl Checked for crate::identity::v1::LoginResponse {}
impl Checked for crate::identity::v1::LoginWithPasskeyResponse {}
impl Checked for crate::identity::v1::LogoutResponse {}
impl Checked for crate::identity::v1::ReauthenticateResponse {}
impl Checked for crate::identity::v1::RecoverPasswordResponse {}
impl Checked for crate::identity::v1::RefreshResponse {}
impl Checked for crate::identity::v1::RegenerateRecoveryCodesResponse {}
impl Checked for crate::identity::v1::RemoveFactorResponse {}
impl Checked for crate::identity::v1::RemoveMemberResponse {}
impl Checked for crate::identity::v1::RenameTenantResponse {}
impl Checked for crate::identity::v1::RequestEmailConfirmationResponse {}
impl Checked for crate::identity::v1::RequestInvitationLetterResponse {}
impl Checked for crate::identity::v1::RequestPasswordRecoveryResponse {}
impl Checked for crate::identity::v1::ResetFactorsResponse {}
impl Checked for crate::identity::v1::ResolveScopesResponse {}
impl Checked for crate::identity::v1::RestoreTenantResponse {}
impl Checked for crate::identity::v1::ResumeTenantResponse {}
impl Checked for crate::identity::v1::RevokeApiKeyResponse {}
impl Checked for crate::identity::v1::RevokeInvitationResponse {}
impl Checked for crate::identity::v1::RevokeSessionResponse {}
impl Checked for crate::identity::v1::RotateApiKeyResponse {}
impl Checked for crate::identity::v1::SetClientKeysResponse {}
impl Checked for crate::identity::v1::SetPasswordResponse {}
impl Checked for crate::identity::v1::SetPlatformScopesResponse {}
impl Checked for crate::identity::v1::SetSecondFactorPolicyResponse {}
impl Checked for crate::identity::v1::SignInByLinkResponse {}
impl Checked for crate::identity::v1::SuspendTenantResponse {}
impl Checked for crate::identity::v1::UnlockUserResponse {}
impl Checked for crate::identity::v1::UpdateMeResponse {}
impl Checked for crate::identity::v1::UpdateRoleResponse {}
impl Checked for crate::identity::v1::UpdateUserResponse {}
impl Checked for crate::identity::v1::UseRecoveryCodeResponse {}
impl Checked for crate::identity::v1::ValidateTokenResponse {}
impl Checked for crate::identity::v1::VerifyFactorResponse {}
impl Checked for crate::identity::v1::ViewAsResponse {}
impl Checked for crate::identity::v1::WatchResponse {}
impl Checked for crate::booking::v1::ApproveBookingRequestRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_request_id", &self.booking_request_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("internal_note", &self.internal_note, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::ArchiveCustomerRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("customer_id", &self.customer_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::BlockPropertyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("property_id", &self.property_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("start_date", &self.start_date, &Limits { required: true, format: Format::Date, ..Limits::NONE });
        found.text("end_date", &self.end_date, &Limits { required: true, format: Format::Date, ..Limits::NONE });
        found.text("note", &self.note, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::BookingSettings {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.time("updated_at", self.updated_at.as_ref(), &Limits::NONE);
    }
}
impl Checked for crate::booking::v1::CancelBookingRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_id", &self.booking_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::CancelBookingRequestRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_request_id", &self.booking_request_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("internal_note", &self.internal_note, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::CheckInRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_id", &self.booking_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::CheckOutRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_id", &self.booking_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::CreateBookingRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("property_id", &self.property_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("guest_id", &self.guest_id, &Limits { format: Format::Uuid, ..Limits::NONE });
        found.text("check_in", &self.check_in, &Limits { required: true, format: Format::Date, ..Limits::NONE });
        found.text("check_out", &self.check_out, &Limits { required: true, format: Format::Date, ..Limits::NONE });
        found.text("source", &self.source, &Limits { format: Format::Line, max_length: 100, ..Limits::NONE });
        found.text("external_id", &self.external_id, &Limits { format: Format::Line, max_length: 200, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::CreateBookingRequestRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("property_id", &self.property_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("guest_id", &self.guest_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("check_in", &self.check_in, &Limits { required: true, format: Format::Date, ..Limits::NONE });
        found.text("check_out", &self.check_out, &Limits { required: true, format: Format::Date, ..Limits::NONE });
        found.number("guest_count", self.guest_count, &Limits { min: Some(1), max: Some(100), ..Limits::NONE });
        found.text("message", &self.message, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::CreateCustomerRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("name", &self.name, &Limits { required: true, format: Format::Line, max_length: 200, ..Limits::NONE });
        found.text("email", &self.email, &Limits { format: Format::Email, ..Limits::NONE });
        found.text("phone", &self.phone, &Limits { format: Format::Line, max_length: 50, ..Limits::NONE });
        found.text("external_id", &self.external_id, &Limits { format: Format::Line, max_length: 200, ..Limits::NONE });
        found.text("source", &self.source, &Limits { format: Format::Line, max_length: 100, ..Limits::NONE });
        found.text("notes", &self.notes, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::CreatePropertyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("name", &self.name, &Limits { required: true, format: Format::Line, max_length: 200, ..Limits::NONE });
        found.text("time_zone", &self.time_zone, &Limits { required: true, format: Format::TimeZone, ..Limits::NONE });
        found.number("max_guests", self.max_guests, &Limits { required: true, min: Some(1), max: Some(100), ..Limits::NONE });
        found.value("hold_policy", crate::booking::v1::HoldPolicy::is_valid(self.hold_policy), "none or hold");
        found.number("hold_hours", self.hold_hours, &Limits { min: Some(1), max: Some(720), ..Limits::NONE });
        found.message("stay_rules", self.stay_rules.as_ref(), &Limits::NONE);
    }
}
impl Checked for crate::booking::v1::DayRule {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.value("day", crate::booking::v1::DayOfWeek::is_valid(self.day), "monday, tuesday, wednesday, thursday, friday, saturday or sunday");
        found.number("min_nights", self.min_nights, &Limits { min: Some(1), max: Some(366), ..Limits::NONE });
        found.number("max_nights", self.max_nights, &Limits { min: Some(1), max: Some(366), ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::DeclineBookingRequestRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_request_id", &self.booking_request_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("decline_reason", &self.decline_reason, &Limits { required: true, format: Format::Text, max_length: 4000, missing: ErrorReason::DeclineReasonRequired, ..Limits::NONE });
        found.text("internal_note", &self.internal_note, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE });
        found.value("reason_code", crate::booking::v1::DeclineReason::is_valid(self.reason_code), "dates_unavailable, rules_not_met, guest_not_suitable, price, property_closed or other");
        found.text("guest_message", &self.guest_message, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::ExplainApprovalRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_request_id", &self.booking_request_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::GetAvailabilityRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("property_id", &self.property_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("from", &self.from, &Limits { required: true, format: Format::Date, ..Limits::NONE });
        found.text("to", &self.to, &Limits { required: true, format: Format::Date, ..Limits::NONE });
        found.number("guest_count", self.guest_count, &Limits { min: Some(1), max: Some(100), ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::GetBookingRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_id", &self.booking_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::GetBookingRequestRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_request_id", &self.booking_request_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::GetBookingSettingsRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::booking::v1::GetCustomerRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("customer_id", &self.customer_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::GetPropertyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("property_id", &self.property_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::GetServerInfoRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::booking::v1::ImportCustomersRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.presence("file", self.file.is_some(), &Limits { required: true, ..Limits::NONE });
        found.text("source", &self.source, &Limits { format: Format::Line, max_length: 100, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::ListBookingRequestEventsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_request_id", &self.booking_request_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::ListBookingRequestsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.values("status", &self.status, crate::booking::v1::BookingRequestStatus::is_valid, "requested, under_review, confirmed, declined, cancelled, expired or unknown");
        found.text("property_id", &self.property_id, &Limits { format: Format::Uuid, ..Limits::NONE });
        found.text("guest_id", &self.guest_id, &Limits { format: Format::Uuid, ..Limits::NONE });
        found.text("stay_from", &self.stay_from, &Limits { format: Format::Date, ..Limits::NONE });
        found.text("stay_to", &self.stay_to, &Limits { format: Format::Date, ..Limits::NONE });
        found.time("created_from", self.created_from.as_ref(), &Limits::NONE);
        found.time("created_to", self.created_to.as_ref(), &Limits::NONE);
        found.value("order", crate::booking::v1::BookingRequestOrder::is_valid(self.order), "newest_first, oldest_first or check_in");
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::ListBookingsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.values("status", &self.status, crate::booking::v1::BookingStatus::is_valid, "requested, confirmed, checked_in, checked_out, cancelled, declined, no_show, inquiry, pending, under_review or unknown");
        found.text("property_id", &self.property_id, &Limits { format: Format::Uuid, ..Limits::NONE });
        found.text("guest_id", &self.guest_id, &Limits { format: Format::Uuid, ..Limits::NONE });
        found.text("stay_from", &self.stay_from, &Limits { format: Format::Date, ..Limits::NONE });
        found.text("stay_to", &self.stay_to, &Limits { format: Format::Date, ..Limits::NONE });
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::ListCustomersRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
        found.text("search", &self.search, &Limits { format: Format::Line, max_length: 200, ..Limits::NONE });
        found.text("external_id", &self.external_id, &Limits { format: Format::Line, max_length: 200, ..Limits::NONE });
        found.text("source", &self.source, &Limits { format: Format::Line, max_length: 100, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::ListInconsistenciesRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::ListPropertiesRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::MarkNoShowRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_id", &self.booking_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::MergeCustomersRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("customer_id", &self.customer_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("duplicate_id", &self.duplicate_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::ResolveInconsistencyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("row_id", &self.row_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.value("choice", crate::booking::v1::ResolutionChoice::is_valid(self.choice), "clear_mark, clear_link, link_booking, confirm, restore_range, release_range, reopen, write_defaults, cancel or fit_range");
        found.text("internal_note", &self.internal_note, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::StartReviewRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("booking_request_id", &self.booking_request_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("internal_note", &self.internal_note, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::StayRules {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.number("min_nights", self.min_nights, &Limits { min: Some(1), max: Some(366), ..Limits::NONE });
        found.number("max_nights", self.max_nights, &Limits { min: Some(1), max: Some(366), ..Limits::NONE });
        found.messages("days", &self.days, &Limits::NONE);
        found.number("lead_days", self.lead_days, &Limits { min: Some(1), max: Some(366), ..Limits::NONE });
        found.number("horizon_days", self.horizon_days, &Limits { min: Some(1), max: Some(3660), ..Limits::NONE });
        found.number("turnover_days", self.turnover_days, &Limits { min: Some(1), max: Some(30), ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::UnarchiveCustomerRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("customer_id", &self.customer_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::UnblockPropertyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("property_id", &self.property_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("block_id", &self.block_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::UpdateBookingSettingsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.message("settings", self.settings.as_ref(), &Limits { required: true, ..Limits::NONE });
    }
}
impl Checked for crate::booking::v1::UpdateCustomerRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("customer_id", &self.customer_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.when(self.name.as_ref(), |found, value| found.set_text("name", value, &Limits { format: Format::Line, min_length: 1, max_length: 200, ..Limits::NONE }));
        found.when(self.email.as_ref(), |found, value| found.set_text("email", value, &Limits { format: Format::Email, ..Limits::NONE }));
        found.when(self.phone.as_ref(), |found, value| found.set_text("phone", value, &Limits { format: Format::Line, max_length: 50, ..Limits::NONE }));
        found.when(self.external_id.as_ref(), |found, value| found.set_text("external_id", value, &Limits { format: Format::Line, max_length: 200, ..Limits::NONE }));
        found.when(self.source.as_ref(), |found, value| found.set_text("source", value, &Limits { format: Format::Line, max_length: 100, ..Limits::NONE }));
        found.when(self.notes.as_ref(), |found, value| found.set_text("notes", value, &Limits { format: Format::Text, max_length: 4000, ..Limits::NONE }));
    }
}
impl Checked for crate::booking::v1::UpdatePropertyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("property_id", &self.property_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.when(self.name.as_ref(), |found, value| found.set_text("name", value, &Limits { format: Format::Line, min_length: 1, max_length: 200, ..Limits::NONE }));
        found.when(self.time_zone.as_ref(), |found, value| found.set_text("time_zone", value, &Limits { format: Format::TimeZone, min_length: 1, ..Limits::NONE }));
        found.when(self.max_guests.as_ref(), |found, value| found.set_number("max_guests", *value, &Limits { min: Some(1), max: Some(100), ..Limits::NONE }));
        found.value("hold_policy", crate::booking::v1::HoldPolicy::is_valid(self.hold_policy), "none or hold");
        found.when(self.hold_hours.as_ref(), |found, value| found.set_number("hold_hours", *value, &Limits { min: Some(1), max: Some(720), ..Limits::NONE }));
        found.message("stay_rules", self.stay_rules.as_ref(), &Limits::NONE);
    }
}
impl Checked for crate::booking::v1::WatchBookingRequestsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("property_id", &self.property_id, &Limits { format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::AcceptInvitationRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("token", &self.token, &Limits { required: true, max_bytes: 256, missing: ErrorReason::LinkInvalid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::AddMemberRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("user_id", &self.user_id, &Limits { format: Format::Uuid, ..Limits::NONE });
        found.text("role", &self.role, &Limits { required: true, max_bytes: 256, missing: ErrorReason::RoleNotFound, ..Limits::NONE });
        found.text("email", &self.email, &Limits { max_bytes: 254, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ChallengeFactorRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("factor_id", &self.factor_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ChallengePasskeyRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::identity::v1::ChangeEmailRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("email", &self.email, &Limits { required: true, format: Format::Email, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ChangeMemberRoleRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("role", &self.role, &Limits { required: true, max_bytes: 256, missing: ErrorReason::RoleNotFound, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ChangePasswordRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("current_password", &self.current_password, &Limits { max_length: 256, ..Limits::NONE });
        found.text("new_password", &self.new_password, &Limits { required: true, min_length: 8, max_length: 256, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ClientKey {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("kty", &self.kty, &Limits { max_bytes: 10, ..Limits::NONE });
        found.text("kid", &self.kid, &Limits { max_bytes: 64, ..Limits::NONE });
        found.text("use", &self.r#use, &Limits { max_bytes: 10, ..Limits::NONE });
        found.text("alg", &self.alg, &Limits { max_bytes: 10, ..Limits::NONE });
        found.texts("key_ops", &self.key_ops, &Limits { max_bytes: 10, max_items: 4, ..Limits::NONE });
        found.text("crv", &self.crv, &Limits { max_bytes: 10, ..Limits::NONE });
        found.text("x", &self.x, &Limits { max_bytes: 100, ..Limits::NONE });
        found.text("y", &self.y, &Limits { max_bytes: 100, ..Limits::NONE });
        found.text("n", &self.n, &Limits { max_bytes: 700, ..Limits::NONE });
        found.text("e", &self.e, &Limits { max_bytes: 10, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ConfirmEmailRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("token", &self.token, &Limits { required: true, max_bytes: 256, missing: ErrorReason::LinkInvalid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::CreateApiKeyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("name", &self.name, &Limits { required: true, format: Format::Line, max_length: 200, ..Limits::NONE });
        found.texts("scopes", &self.scopes, &Limits { max_bytes: 64, max_items: 64, ..Limits::NONE });
        found.time("expires_at", self.expires_at.as_ref(), &Limits::NONE);
        found.texts("allowed_addresses", &self.allowed_addresses, &Limits { max_bytes: 64, max_items: 64, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::CreateRoleRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("name", &self.name, &Limits { required: true, format: Format::Slug, ..Limits::NONE });
        found.texts("scopes", &self.scopes, &Limits { required: true, max_bytes: 64, max_items: 64, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::CreateTenantRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("slug", &self.slug, &Limits { required: true, format: Format::Slug, ..Limits::NONE });
        found.text("name", &self.name, &Limits { required: true, format: Format::Line, max_length: 200, ..Limits::NONE });
        found.text("owner_email", &self.owner_email, &Limits { format: Format::Email, ..Limits::NONE });
        found.text("owner_user_id", &self.owner_user_id, &Limits { format: Format::Uuid, ..Limits::NONE });
        found.text("language", &self.language, &Limits { max_bytes: 35, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::CreateUserRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("email", &self.email, &Limits { required: true, format: Format::Email, ..Limits::NONE });
        found.text("display_name", &self.display_name, &Limits { format: Format::Line, max_length: 200, ..Limits::NONE });
        found.value("kind", crate::identity::v1::UserKind::is_valid(self.kind), "person or service");
        found.text("password", &self.password, &Limits { min_length: 8, max_length: 256, ..Limits::NONE });
        found.texts("platform_scopes", &self.platform_scopes, &Limits { max_bytes: 64, max_items: 64, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::DeclineInvitationRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("token", &self.token, &Limits { required: true, max_bytes: 256, missing: ErrorReason::LinkInvalid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::DeleteRoleRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("name", &self.name, &Limits { max_bytes: 256, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::DeleteTenantRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("reason", &self.reason, &Limits { required: true, format: Format::Line, max_length: 500, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::DeleteUserRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::DisableUserRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::EnableUserRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::EnrolFactorRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.value("kind", crate::identity::v1::FactorKind::is_valid(self.kind), "totp or passkey");
        found.text("name", &self.name, &Limits { format: Format::Line, max_length: 100, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ExportAuditEventsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ExportPlatformAuditEventsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::FindDeletedTenantsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.texts("tenant_ids", &self.tenant_ids, &Limits { format: Format::Uuid, max_items: 1000, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::GetInvitationRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("token", &self.token, &Limits { required: true, max_bytes: 256, missing: ErrorReason::LinkInvalid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::GetJwksRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::identity::v1::GetMeRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::identity::v1::GetSecondFactorPolicyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::GetServerMetadataRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::identity::v1::GetTenantRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::GetUserRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::InviteMemberRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("email", &self.email, &Limits { required: true, format: Format::Email, ..Limits::NONE });
        found.text("role", &self.role, &Limits { required: true, max_bytes: 256, missing: ErrorReason::RoleNotFound, ..Limits::NONE });
        found.text("language", &self.language, &Limits { max_bytes: 35, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::IssueTokenRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("grant_type", &self.grant_type, &Limits { max_bytes: 100, ..Limits::NONE });
        found.text("client_id", &self.client_id, &Limits { max_bytes: 100, ..Limits::NONE });
        found.text("client_secret", &self.client_secret, &Limits { max_bytes: 200, ..Limits::NONE });
        found.text("client_assertion_type", &self.client_assertion_type, &Limits { max_bytes: 100, ..Limits::NONE });
        found.text("client_assertion", &self.client_assertion, &Limits { max_bytes: 4096, ..Limits::NONE });
        found.text("scope", &self.scope, &Limits { max_bytes: 2000, ..Limits::NONE });
        found.text("subject_token", &self.subject_token, &Limits { max_bytes: 4096, ..Limits::NONE });
        found.text("subject_token_type", &self.subject_token_type, &Limits { max_bytes: 100, ..Limits::NONE });
        found.text("requested_token_type", &self.requested_token_type, &Limits { max_bytes: 100, ..Limits::NONE });
        found.texts("audience", &self.audience, &Limits { max_bytes: 200, max_items: 8, ..Limits::NONE });
        found.texts("resource", &self.resource, &Limits { max_bytes: 200, max_items: 8, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::JoinByInvitationRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("token", &self.token, &Limits { required: true, max_bytes: 256, missing: ErrorReason::LinkInvalid, ..Limits::NONE });
        found.text("display_name", &self.display_name, &Limits { format: Format::Line, max_length: 200, ..Limits::NONE });
        found.text("password", &self.password, &Limits { required: true, min_length: 8, max_length: 256, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::LeaveTenantRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ListApiKeysRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ListAuditEventsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ListFactorsRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::identity::v1::ListInvitationsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ListMembersRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ListPlatformAuditEventsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { format: Format::Uuid, ..Limits::NONE });
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ListRolesRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ListSessionsRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::identity::v1::ListTenantsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ListUsersRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.number("page_size", self.page_size, &Limits { min: Some(0), ..Limits::NONE });
        found.number("limit", self.limit, &Limits { min: Some(0), ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::LoginRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("email", &self.email, &Limits { required: true, max_bytes: 254, ..Limits::NONE });
        found.text("password", &self.password, &Limits { required: true, max_length: 256, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::LoginWithPasskeyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("credential", &self.credential, &Limits { required: true, max_length: 32768, max_bytes: 32768, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::LogoutRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.value("scope", crate::identity::v1::LogoutScope::is_valid(self.scope), "local, others or global");
    }
}
impl Checked for crate::identity::v1::ReauthenticateRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("current_password", &self.current_password, &Limits { required: true, max_length: 256, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RecoverPasswordRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("token", &self.token, &Limits { required: true, max_bytes: 256, missing: ErrorReason::LinkInvalid, ..Limits::NONE });
        found.text("password", &self.password, &Limits { required: true, min_length: 8, max_length: 256, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RefreshRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("refresh", &self.refresh, &Limits { required: true, missing: ErrorReason::RefreshTokenInvalid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RegenerateRecoveryCodesRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::identity::v1::RemoveFactorRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("factor_id", &self.factor_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RemoveMemberRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RenameTenantRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("name", &self.name, &Limits { required: true, format: Format::Line, max_length: 200, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RequestEmailConfirmationRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::identity::v1::RequestInvitationLetterRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("token", &self.token, &Limits { required: true, max_bytes: 256, missing: ErrorReason::LinkInvalid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RequestPasswordRecoveryRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("email", &self.email, &Limits { required: true, max_bytes: 254, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ResetFactorsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ResolveScopesRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("method", &self.method, &Limits { format: Format::Line, max_length: 200, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RestoreTenantRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ResumeTenantRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RevokeApiKeyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("api_key_id", &self.api_key_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RevokeInvitationRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("invitation_id", &self.invitation_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RevokeSessionRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("session_id", &self.session_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::RotateApiKeyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("api_key_id", &self.api_key_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.number("overlap_seconds", self.overlap_seconds, &Limits { min: Some(0), max: Some(2592000), ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::SetClientKeysRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("api_key_id", &self.api_key_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.messages("keys", &self.keys, &Limits { max_items: 8, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::SetPasswordRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("password", &self.password, &Limits { required: true, min_length: 8, max_length: 256, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::SetPlatformScopesRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.texts("platform_scopes", &self.platform_scopes, &Limits { max_bytes: 64, max_items: 64, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::SetSecondFactorPolicyRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.value("policy", crate::identity::v1::SecondFactorPolicy::is_valid(self.policy), "optional, owners or all");
    }
}
impl Checked for crate::identity::v1::SignInByLinkRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("token", &self.token, &Limits { required: true, max_bytes: 256, missing: ErrorReason::LinkInvalid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::SuspendTenantRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::UnlockUserRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("client_address", &self.client_address, &Limits { max_bytes: 64, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::UpdateMeRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("display_name", &self.display_name, &Limits { required: true, format: Format::Line, max_length: 200, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::UpdateRoleRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("name", &self.name, &Limits { max_bytes: 256, ..Limits::NONE });
        found.texts("scopes", &self.scopes, &Limits { required: true, max_bytes: 64, max_items: 64, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::UpdateUserRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("display_name", &self.display_name, &Limits { required: true, format: Format::Line, max_length: 200, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::UseRecoveryCodeRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("code", &self.code, &Limits { required: true, max_length: 64, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ValidateTokenRequest {
    const IS_BROUGHT: bool = true;
}
impl Checked for crate::identity::v1::VerifyFactorRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("factor_id", &self.factor_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("challenge", &self.challenge, &Limits { max_length: 200, max_bytes: 200, ..Limits::NONE });
        found.text("code", &self.code, &Limits { max_length: 32, ..Limits::NONE });
        found.text("credential", &self.credential, &Limits { max_length: 32768, max_bytes: 32768, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::ViewAsRequest {
    const IS_BROUGHT: bool = true;
    fn check(&self, found: &mut Violations) {
        found.text("user_id", &self.user_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("tenant_id", &self.tenant_id, &Limits { required: true, format: Format::Uuid, ..Limits::NONE });
        found.text("reason", &self.reason, &Limits { required: true, format: Format::Line, max_length: 500, ..Limits::NONE });
    }
}
impl Checked for crate::identity::v1::WatchRequest {
    const IS_BROUGHT: bool = true;
}
