//! The changes of a round, with the calls that make them.

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Change, Round, email, link};
use crate::fixture::tenant_path;

impl Round {
    /// Every change, by the name of its method.
    pub(super) fn changes(&self) -> Vec<Change> {
        let Self { number, users, keys, owner, operator, .. } = self;
        let user = |at: usize, step: &str| format!("/v1/users/{}{step}", users[at]);
        let member = |at: usize| tenant_path(&format!("/members/{}", users[at]));
        let role = |name: &str| tenant_path(&format!("/roles/{name}-{number}"));
        let key = |at: usize, step: &str| tenant_path(&format!("/api-keys/{}{step}", keys[at]));
        let new = format!("new-{number}");
        let tenant = json!({"slug": new, "name": "New"});
        let scopes = json!({"platform_scopes": ["platform:users"]});
        let changes: Vec<(_, _, String, &str, _)> = vec![
            ("CreateTenant", Method::POST, "/v1/tenants".into(), operator, tenant),
            (
                "CreateUser",
                Method::POST,
                "/v1/users".into(),
                operator,
                json!({"email": format!("{new}@x.example"), "kind": "service", "password": "a password"}),
            ),
            ("DisableUser", Method::POST, user(0, "/disable"), operator, json!({})),
            ("EnableUser", Method::POST, user(0, "/enable"), operator, json!({})),
            ("SetPassword", Method::POST, user(0, "/password"), operator, json!({"password": "a password"})),
            ("UpdateUser", Method::PATCH, user(0, ""), operator, json!({"display_name": "Robot"})),
            ("UnlockUser", Method::POST, user(0, "/unlock"), operator, json!({})),
            ("DeleteUser", Method::DELETE, user(7, ""), operator, Json::Null),
            ("SetPlatformScopes", Method::PUT, user(1, "/platform-scopes"), operator, scopes),
            (
                "AddMember",
                Method::POST,
                format!("{}?as-operator", tenant_path("/members")),
                operator,
                json!({"user_id": users[4].to_string(), "role": "viewer"}),
            ),
            ("ChangeMemberRole", Method::PATCH, member(2), owner, json!({"role": "agent"})),
            ("RemoveMember", Method::DELETE, member(3), owner, Json::Null),
            (
                "CreateRole",
                Method::POST,
                tenant_path("/roles"),
                owner,
                json!({"name": new, "scopes": ["bookings:view"]}),
            ),
            ("UpdateRole", Method::PATCH, role("changed"), owner, json!({"scopes": ["bookings:approve"]})),
            ("DeleteRole", Method::DELETE, role("deleted"), owner, Json::Null),
            ("CreateApiKey", Method::POST, tenant_path("/api-keys"), owner, json!({"name": new})),
            ("RotateApiKey", Method::POST, key(0, "/rotate"), owner, json!({})),
            ("RevokeApiKey", Method::DELETE, key(1, ""), owner, Json::Null),
        ];
        // Those of the account come later: they end its last session.
        let tenants = self.changes_of_tenants().into_iter().chain(self.changes_of_recovery());
        let factors = self.changes_of_factors().into_iter().chain(self.changes_of_passkeys());
        let others = self.changes_of_the_account().into_iter().chain(factors);
        changes.into_iter().map(owned).chain(self.changes_of_tokens()).chain(tenants).chain(others).collect()
    }

    /// Those that give tokens for less than a session.
    fn changes_of_tokens(&self) -> Vec<Change> {
        let Self { users, keys, owner, operator, client, .. } = self;
        let view = json!({"tenant_id": demo::TENANT, "reason": "asked for help"});
        let viewed = format!("/v1/users/{}/view-as", users[2]);
        let jwks = tenant_path(&format!("/api-keys/{}/jwks", keys[0]));
        vec![
            ("ViewAs", Method::POST, viewed, operator.clone(), view),
            ("SetClientKeys", Method::PUT, jwks, owner.clone(), json!({"keys": []})),
            ("IssueToken", Method::POST, "/v1/auth/token".into(), String::new(), client.clone()),
        ]
    }

    /// Those of a user's own.
    fn changes_of_the_account(&self) -> Vec<Change> {
        let Self { number, login, session, .. } = self;
        let own = login["access"].as_str().unwrap();
        let credentials = json!({"email": email(*number, 4), "password": demo::PASSWORD});
        let passwords = json!({"current_password": demo::PASSWORD, "new_password": "another password"});
        let changes: Vec<(_, _, String, &str, _)> = vec![
            ("Login", Method::POST, "/v1/auth/login".into(), "", credentials),
            ("Refresh", Method::POST, "/v1/auth/refresh".into(), "", json!({"refresh": login["refresh"]})),
            (
                "Reauthenticate",
                Method::POST,
                "/v1/auth/reauthenticate".into(),
                own,
                json!({"current_password": demo::PASSWORD}),
            ),
            ("RequestEmailConfirmation", Method::POST, "/v1/me/email/confirmation".into(), own, json!({})),
            (
                "ChangeEmail",
                Method::POST,
                "/v1/me/email".into(),
                own,
                json!({"email": format!("other-{number}@x.example")}),
            ),
            (
                "ConfirmEmail",
                Method::POST,
                "/v1/auth/email/confirm".into(),
                "",
                json!({"token": link(*number + 500_000)}),
            ),
            ("UpdateMe", Method::PATCH, "/v1/me".into(), own, json!({"display_name": "New Name"})),
            ("RevokeSession", Method::DELETE, format!("/v1/auth/sessions/{session}"), own, Json::Null),
            ("ChangePassword", Method::POST, "/v1/auth/password".into(), own, passwords),
            ("Logout", Method::POST, "/v1/auth/logout".into(), own, json!({})),
        ];
        changes.into_iter().map(owned).collect()
    }

    /// Those of somebody who has forgotten a password.
    fn changes_of_recovery(&self) -> Vec<Change> {
        let Self { number, .. } = self;
        let changes: Vec<(_, _, String, &str, _)> = vec![
            (
                "RequestPasswordRecovery",
                Method::POST,
                "/v1/auth/recovery".into(),
                "",
                json!({"email": email(*number, 3)}),
            ),
            (
                "RecoverPassword",
                Method::POST,
                "/v1/auth/recovery/password".into(),
                "",
                json!({"token": link(*number), "password": "a password"}),
            ),
            (
                "SignInByLink",
                Method::POST,
                "/v1/auth/recovery/session".into(),
                "",
                json!({"token": link(*number + 600_000)}),
            ),
        ];
        changes.into_iter().map(owned).collect()
    }

    /// Those of tenants as such, and of who comes and goes.
    fn changes_of_tenants(&self) -> Vec<Change> {
        let Self { number, invitations, owner, operator, login, .. } = self;
        let own = login["access"].as_str().unwrap();
        let another = |step: &str| format!("/v1/tenants/{}{step}", demo::OTHER_TENANT);
        let new = format!("new-{number}");
        let changes: Vec<(_, _, String, &str, _)> = vec![
            (
                "InviteMember",
                Method::POST,
                tenant_path("/invitations"),
                owner,
                json!({"email": format!("{new}@y.example"), "role": "viewer", "return_token": true}),
            ),
            (
                "RevokeInvitation",
                Method::DELETE,
                tenant_path(&format!("/invitations/{}", invitations[0])),
                owner,
                Json::Null,
            ),
            (
                "DeclineInvitation",
                Method::POST,
                "/v1/invitations/decline".into(),
                "",
                json!({"token": link(*number + 100_000)}),
            ),
            (
                "RequestInvitationLetter",
                Method::POST,
                "/v1/invitations/letter".into(),
                "",
                json!({"token": link(*number + 400_000)}),
            ),
            (
                "JoinByInvitation",
                Method::POST,
                "/v1/invitations/join".into(),
                "",
                json!({"token": link(*number + 200_000), "password": "a password"}),
            ),
            (
                "AcceptInvitation",
                Method::POST,
                "/v1/invitations/accept".into(),
                own,
                json!({"token": link(*number + 300_000)}),
            ),
            ("LeaveTenant", Method::POST, tenant_path("/leave"), own, json!({})),
            ("SuspendTenant", Method::POST, another("/suspend"), operator, json!({})),
            ("ResumeTenant", Method::POST, another("/resume"), operator, json!({})),
            ("RenameTenant", Method::PATCH, another(""), operator, json!({"name": new})),
            ("DeleteTenant", Method::POST, another("/delete"), operator, json!({"reason": "moved"})),
            ("RestoreTenant", Method::POST, another("/restore"), operator, json!({})),
        ];
        changes.into_iter().map(owned).collect()
    }

    /// Those of second factors.
    fn changes_of_factors(&self) -> Vec<Change> {
        let Self { users, protected, unverified, .. } = self;
        let reset = format!("/v1/users/{}/factors/reset", users[6]);
        let changes: Vec<(_, _, String, &str, _)> = vec![
            (
                "EnrolFactor",
                Method::POST,
                "/v1/auth/factors".into(),
                protected.token(),
                json!({"name": "third"}),
            ),
            (
                "VerifyFactor",
                Method::POST,
                protected.app.path("/verify"),
                protected.token(),
                json!({"code": protected.app.code(1)}),
            ),
            ("RemoveFactor", Method::DELETE, unverified.path(""), protected.token(), Json::Null),
            (
                "UseRecoveryCode",
                Method::POST,
                "/v1/auth/recovery-codes/use".into(),
                protected.token(),
                json!({"code": protected.proof["recovery_codes"][0]}),
            ),
            (
                "RegenerateRecoveryCodes",
                Method::POST,
                "/v1/auth/recovery-codes".into(),
                protected.token(),
                json!({}),
            ),
            (
                "SetSecondFactorPolicy",
                Method::PUT,
                tenant_path("/second-factor"),
                protected.token(),
                json!({"policy": "optional"}),
            ),
            ("ResetFactors", Method::POST, reset, &self.operator, json!({})),
        ];
        changes.into_iter().map(owned).collect()
    }

    /// A passkey that is made, and one that is used.
    fn changes_of_passkeys(&self) -> Vec<Change> {
        let Self { passkey, made, used, .. } = self;
        let (factor, token) = passkey;
        let path = format!("/v1/auth/factors/{factor}/verify");
        vec![
            ("LoginWithPasskey", Method::POST, "/v1/auth/passkeys/login".into(), String::new(), used.clone()),
            ("VerifyFactor", Method::POST, path, token.clone(), made.clone()),
        ]
    }
}

fn owned((name, method, path, token, body): (&'static str, Method, String, &str, Json)) -> Change {
    (name, method, path, token.to_owned(), body)
}
