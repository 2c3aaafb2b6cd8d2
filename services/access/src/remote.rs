//! Identity over gRPC, for the services beside it.

use std::time::{Duration, Instant};

use boot::Scrape;
use frontdesk_proto::identity::v1::revocation_service_client::RevocationServiceClient;
use frontdesk_proto::identity::v1::scope_service_client::ScopeServiceClient;
use frontdesk_proto::identity::v1::token_service_client::TokenServiceClient;
use frontdesk_proto::identity::v1::{
    FindDeletedTenantsRequest, FindDeletedTenantsResponse, GetJwksRequest, ResolveScopesRequest,
    ResolveScopesResponse, WatchRequest, WatchResponse,
};
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request, Status};
use upstream::Upstream;
use uuid::Uuid;

use crate::authority::{Authority, DeletedTenants, Resolution};
use crate::caller::{Caller, Closed, User};
use crate::credentials::Credentials;
use crate::heard::{Mark, Revoked};
use crate::proof::{Proof, SecondFactor};
use crate::token::{Claims, Key};

/// How long identity may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long identity may say nothing about revocations until it is asked anew, perhaps at
/// another address.
const SILENCE: Duration = Duration::from_secs(3);
/// Time from one stream to the next.
const PAUSE: Duration = Duration::from_millis(100);
/// The same while identity has no such stream.
const UNTIL_UPGRADED: Duration = Duration::from_secs(5);

/// A client of identity.
#[derive(Debug, Clone)]
pub struct RemoteIdentity {
    upstream: Upstream,
}

impl RemoteIdentity {
    /// A client; it connects with the first call.
    pub fn new(upstream: Upstream) -> Self {
        Self { upstream }
    }
}

impl Authority for RemoteIdentity {
    const HOLDS: Duration = Duration::from_secs(5);

    fn figures(&self, scrape: &mut Scrape) {
        self.upstream.figures("identity", scrape);
    }

    async fn keys(&self, _now: Timestamp) -> Result<Vec<Key>, Refusal> {
        let mut client = TokenServiceClient::new(self.upstream.clone());
        let answer = within(client.get_jwks(GetJwksRequest {})).await?;
        Ok(answer.keys.iter().filter_map(Key::read).collect())
    }

    async fn resolve(
        &self,
        credentials: &Credentials,
        _claims: Option<&Claims>,
        _now: Timestamp,
    ) -> Result<Resolution, Refusal> {
        let answer = self.ask(credentials, String::new()).await?;
        let ResolveScopesResponse {
            user_id,
            session_id,
            tenant_id,
            scopes,
            role,
            operator,
            api_key_id,
            marks,
            until,
            role_scopes,
            suspended,
            has_second_factor,
            needs_second_factor,
            proved_second_factor,
            proved_at,
            deleted_until,
        } = answer;
        let session = optional(&session_id)?.unwrap_or_default();
        let user = optional(&user_id)?.map(|id| User { id, session });
        let (tenant, api_key_id) = (optional(&tenant_id)?, optional(&api_key_id)?);
        let until = until.and_then(|at| Timestamp::new(at.seconds, at.nanos).ok());
        let deleted_until = deleted_until.and_then(|at| Timestamp::new(at.seconds, at.nanos).ok());
        // What a mark of a later version is about would never be heard: an answer with one is
        // good for those who wait for it, and is not kept.
        let (marks, until) = match read_all(&marks) {
            Some(marks) => (marks, until),
            None => (Vec::new(), Some(Timestamp::MIN)),
        };
        let issuer = None;
        let second_factor = SecondFactor { enrolled: has_second_factor, asked: needs_second_factor };
        let at = proved_at.and_then(|at| u64::try_from(at.seconds).ok());
        Ok(Resolution {
            user,
            tenant,
            closed: Closed::of(suspended, deleted_until),
            scopes: scopes.into(),
            role: role.into(),
            role_scopes: role_scopes.into(),
            operator,
            api_key_id,
            issuer,
            marks: marks.into(),
            until,
            second_factor,
            // Of another issuer, if of any: it is no session of ours.
            proof: Proof { two_factors: proved_second_factor, at, second_at: None },
        })
    }

    async fn record_operator(&self, credentials: &Credentials, caller: &Caller) -> Result<(), Refusal> {
        self.ask(credentials, caller.method.trim_start_matches('/').to_owned()).await.map(drop)
    }

    async fn deleted_tenants(&self, of: &[Uuid]) -> Result<DeletedTenants, Refusal> {
        let tenant_ids = of.iter().map(Uuid::to_string).collect();
        let mut client = RevocationServiceClient::new(self.upstream.clone());
        let asked = client.find_deleted_tenants(FindDeletedTenantsRequest { tenant_ids });
        let answer = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => answer.into_inner(),
            Ok(Err(status)) if status.code() == Code::Unimplemented => {
                return Err(says_nothing_of_tenants("what listens there is no identity, or one of before"));
            }
            Ok(Err(status)) => return Err(says_nothing_of_tenants(status.message())),
            Err(_) => return Err(says_nothing_of_tenants("no answer in time")),
        };
        let FindDeletedTenantsResponse { tenant_ids, database_id, issuer } = answer;
        let Ok(database) = Uuid::try_parse(&database_id) else {
            return Err(says_nothing_of_tenants("the answer names no database"));
        };
        // What is no id of those that were asked about is nothing that was asked.
        let found = tenant_ids.iter().filter_map(|text| Uuid::try_parse(text).ok());
        let tenants = found.filter(|tenant| of.contains(tenant)).collect();
        Ok(DeletedTenants { database, issuer, tenants })
    }

    async fn follow(&self, hear: impl Fn(Revoked, Instant) + Send + Sync) {
        let mut after = None;
        loop {
            let pause = match self.watch(&mut after, &hear).await {
                // An identity of before this feed.
                Err(status) if status.code() == Code::Unimplemented => UNTIL_UPGRADED,
                Ok(()) => PAUSE,
                Err(status) => {
                    tracing::debug!(%status, "revocations are not heard; callers are asked about");
                    PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}

/// How far identity was heard.
struct Heard {
    position: i64,
    epoch: String,
}

impl Heard {
    /// Asks for what comes after it.
    fn request(after: Option<&Self>) -> WatchRequest {
        match after {
            Some(Self { position, epoch }) => WatchRequest { after: Some(*position), epoch: epoch.clone() },
            None => WatchRequest::default(),
        }
    }
}

impl RemoteIdentity {
    /// Asks who sends these credentials. A method is one that an operator calls, and that is
    /// recorded.
    async fn ask(&self, credentials: &Credentials, method: String) -> Result<ResolveScopesResponse, Refusal> {
        let mut request = Request::new(ResolveScopesRequest { method });
        let metadata = request.metadata_mut();
        if let Some(token) = &credentials.token {
            metadata.insert("authorization", ascii(&format!("Bearer {token}"))?);
        }
        if let Some(tenant) = &credentials.tenant {
            metadata.insert("x-tenant-id", ascii(&tenant.to_string())?);
        }
        if let Some(key) = &credentials.api_key {
            let mut key = ascii(key)?;
            key.set_sensitive(true);
            metadata.insert("x-tenant-api-key", key);
        }
        if let Some(id) = &credentials.request_id {
            // Marked as sensitive where it came in, or made.
            metadata.as_mut().insert(boot::request_id::HEADER, id.clone());
        }
        for (name, line) in credentials.way.to_here() {
            metadata.as_mut().append(name, line);
        }
        let mut client = ScopeServiceClient::new(self.upstream.clone());
        within(client.resolve_scopes(request)).await
    }

    /// Hears one stream to its end; `after` is where to go on.
    async fn watch(
        &self,
        after: &mut Option<Heard>,
        hear: &(impl Fn(Revoked, Instant) + Sync),
    ) -> Result<(), Status> {
        let late = |_| Status::deadline_exceeded("identity tells nothing");
        let mut client = RevocationServiceClient::new(self.upstream.clone());
        let watching = client.watch(Heard::request(after.as_ref()));
        let mut stream = tokio::time::timeout(SILENCE, watching).await.map_err(late)??.into_inner();
        loop {
            let item = tokio::time::timeout(SILENCE, stream.message()).await.map_err(late)??;
            let Some(WatchResponse { position, anew, marks, revoked_keys, epoch }) = item else {
                return Ok(());
            };
            let known: Vec<Mark> =
                marks.iter().filter_map(|mark| Mark::try_from(mark.as_slice()).ok()).collect();
            // Marks of another form are of a later version: what they are about is not known.
            let anew = anew || known.len() < marks.len();
            hear(Revoked { anew, marks: known, revoked_keys }, Instant::now());
            *after = Some(Heard { position, epoch });
        }
    }
}

/// The marks of an answer, if all of them can be read.
fn read_all(marks: &[Vec<u8>]) -> Option<Vec<Mark>> {
    marks.iter().map(|mark| Mark::try_from(mark.as_slice()).ok()).collect()
}

async fn within<T>(
    call: impl Future<Output = Result<tonic::Response<T>, Status>> + Send,
) -> Result<T, Refusal> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(passed_on(&status)),
        Err(_) => Err(unreachable("identity did not answer in time")),
    }
}

/// Identity's refusal of the caller is the caller's answer, with all that it says;
/// anything else means that nobody can say who is calling. Which reasons speak of
/// the caller says the proto.
fn passed_on(status: &Status) -> Refusal {
    match Refusal::from_status(status) {
        Some(refusal) if refusal.reason().passes_through() => refusal,
        _ => unreachable(status.message()),
    }
}

fn says_nothing_of_tenants(cause: &str) -> Refusal {
    tracing::warn!(cause, "identity does not say which tenants are deleted");
    Refusal::new(
        ErrorReason::UpstreamUnavailable,
        "The identity service cannot say at the moment which tenants are deleted.",
    )
}

fn unreachable(cause: &str) -> Refusal {
    tracing::warn!(cause, "identity cannot resolve a caller");
    Refusal::new(
        ErrorReason::UpstreamUnavailable,
        "The identity service cannot say at the moment who is calling. Try again.",
    )
    .retry_after(Duration::from_secs(1))
}

fn ascii(text: &str) -> Result<MetadataValue<Ascii>, Refusal> {
    text.parse().map_err(|_| {
        Refusal::new(ErrorReason::InvalidHeader, "A credential has characters that are not ASCII.")
    })
}

fn optional(text: &str) -> Result<Option<Uuid>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    Uuid::try_parse(text).map(Some).map_err(|_| unreachable("identity sent an id that is not a UUID"))
}

#[cfg(test)]
mod tests {
    use boot::{Call, Observe};
    use frontdesk_proto::identity::v1::scope_service_server::{ScopeService, ScopeServiceServer};
    use http::{HeaderMap, HeaderValue};
    use tokio::task::JoinHandle;
    use tonic::Response;
    use tonic::transport::Server;
    use tonic::transport::server::TcpIncoming;

    use super::*;

    /// Identity, as whoever was revoked finds it.
    struct Ended;

    #[tonic::async_trait]
    impl ScopeService for Ended {
        async fn resolve_scopes(
            &self,
            _request: Request<ResolveScopesRequest>,
        ) -> Result<Response<ResolveScopesResponse>, Status> {
            Err(Refusal::new(ErrorReason::SessionEnded, "It is over.").into())
        }
    }

    /// A client of an identity like this one, which serves meanwhile.
    fn serve(
        identity: impl ScopeService,
    ) -> (RemoteIdentity, JoinHandle<Result<(), tonic::transport::Error>>) {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let addr = incoming.local_addr().unwrap();
        let server = Server::builder().layer(Observe::of(&[])).add_service(ScopeServiceServer::new(identity));
        let serving = tokio::spawn(server.serve_with_incoming(incoming));
        (RemoteIdentity::new(addr.to_string().parse().unwrap()), serving)
    }

    /// An answer that identity cannot be reached would let them in by what it said before.
    #[tokio::test]
    async fn a_callers_own_short_time_does_not_keep_identity_from_saying_that_a_right_is_revoked() {
        let (identity, serving) = serve(Ended);
        let credentials = Credentials::default();
        for given in [Duration::from_millis(4), Duration::ZERO] {
            let call = Call::new(HeaderValue::from_static("id"), &HeaderMap::new());
            call.ends_at(Instant::now() + given);
            let resolved = call.run(identity.resolve(&credentials, None, Timestamp::UNIX_EPOCH)).await;
            assert_eq!(resolved.unwrap_err().reason(), ErrorReason::SessionEnded, "{given:?}");
        }
        serving.abort();
    }

    /// Identity, whose answers have these marks.
    struct Marks(Vec<Vec<u8>>);

    #[tonic::async_trait]
    impl ScopeService for Marks {
        async fn resolve_scopes(
            &self,
            _request: Request<ResolveScopesRequest>,
        ) -> Result<Response<ResolveScopesResponse>, Status> {
            let marks = self.0.clone();
            Ok(Response::new(ResolveScopesResponse { marks, ..ResolveScopesResponse::default() }))
        }
    }

    #[tokio::test]
    async fn an_answer_with_a_mark_of_another_form_is_over_when_it_comes() {
        let [one, two, longer] = [vec![1; 16], vec![2; 16], vec![3; 17]];
        let resolved = async |marks: &[Vec<u8>]| {
            let (identity, serving) = serve(Marks(marks.to_vec()));
            let resolved = identity.resolve(&Credentials::default(), None, Timestamp::UNIX_EPOCH).await;
            serving.abort();
            resolved.unwrap()
        };
        let read = resolved(&[one.clone(), two.clone()]).await;
        assert_eq!((&*read.marks, read.until), (&[[1; 16], [2; 16]][..], None));
        for marks in [vec![one.clone(), longer.clone()], vec![longer, two], vec![vec![]]] {
            let read = resolved(&marks).await;
            assert_eq!((&*read.marks, read.until), (&[][..], Some(Timestamp::MIN)), "{marks:?}");
        }
    }
}
