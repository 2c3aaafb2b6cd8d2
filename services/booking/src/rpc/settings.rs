//! The wire of a tenant's settings. `BookingService` has their methods, so they are
//! called from there.

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use tonic::{Request, Response, Status};

use super::{Booking, failed, fields};
use crate::call::Call;
use crate::changes::UpdateSettings;
use crate::domain::settings::Settings;
use crate::domain::version::Version;

impl Booking {
    pub(super) async fn settings(
        &self,
        request: Request<wire::GetBookingSettingsRequest>,
    ) -> Result<Response<wire::GetBookingSettingsResponse>, Status> {
        let call = Call::of(&request)?;
        let found = self.store.get_settings(call.tenant).await.map_err(failed)?;
        Ok(Response::new(wire::GetBookingSettingsResponse { settings: Some(settings(&found)) }))
    }

    pub(super) async fn update_settings(
        &self,
        request: Request<wire::UpdateBookingSettingsRequest>,
    ) -> Result<Response<wire::UpdateBookingSettingsResponse>, Status> {
        let wire::UpdateBookingSettingsRequest { settings: sent, etag } = request.get_ref();
        let Some(wire::BookingSettings { auto_decline, updated_at: _, etag: as_read }) = sent else {
            return Err(Refusal::field("settings", "is needed").into());
        };
        // What was read and is sent back brings its version along.
        let etag = if etag.is_empty() { as_read } else { etag };
        let auto_decline = *auto_decline;
        let call =
            Call::of(&request)?.with_version(&request, etag)?.with_key(&request, "UpdateBookingSettings")?;
        self.change(&call, &UpdateSettings { auto_decline }, |stored| wire::UpdateBookingSettingsResponse {
            settings: Some(settings(stored)),
        })
        .await
    }
}

fn settings(settings: &Settings) -> wire::BookingSettings {
    let Settings { auto_decline, updated_at } = settings;
    wire::BookingSettings {
        auto_decline: *auto_decline,
        updated_at: updated_at.and_then(fields::shown),
        etag: Version::of(settings).to_string(),
    }
}
