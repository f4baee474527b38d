//! The token endpoint, what it refuses by itself, and what else Google says about tokens.

use crate::client::{Answer, Connection, request};
use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};
use shortway::Clock;
use shortway::scope::{ANALYTICS, ANALYTICS_READONLY};
use shortway::testing::{
    FakeGoogle, FakeGoogleBuilder, FakeTable, ManualClock, TokenRefusal, throw_away_key,
};
use std::time::{Duration, Instant, UNIX_EPOCH};

const EMAIL: &str = "fake@throw-away.iam.gserviceaccount.com";

fn start(builder: FakeGoogleBuilder) -> FakeGoogle {
    builder.clock(ManualClock::new()).start().expect("a fake")
}

fn now() -> u64 {
    ManualClock::new().now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// Sound claims, with these changes; null takes a claim out.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": EMAIL,
        "scope": ANALYTICS_READONLY,
        "aud": "https://oauth2.googleapis.com/token",
        "iat": now(),
        "exp": now() + 3600,
    });
    let Value::Object(changes) = changes else { panic!("an object") };
    for (name, value) in changes {
        claims[name] = value;
    }
    claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    claims
}

fn signed(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = throw_away_key().signer().sign(text.as_bytes(), Instant::now()).expect("a signature");
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn jwt(claims: &Value) -> String {
    signed(&json!({"alg": "RS256", "typ": "JWT"}), claims)
}

fn post(google: &FakeGoogle, target: &str, form: &str) -> Answer {
    let mut connection = Connection::to(google);
    let length = form.len();
    let head = format!("POST {target} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    connection.send(format!("{head}Content-Length: {length}\r\n\r\n{form}").as_bytes());
    connection.answer()
}

fn exchange(google: &FakeGoogle, jwt: &str) -> Answer {
    let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    post(google, "/token", &format!("grant_type={grant}&assertion={jwt}"))
}

#[track_caller]
fn assert_refused(answer: &Answer, refusal: TokenRefusal) {
    let (status, code, description) = refusal.words();
    let document = json!({"error": code, "error_description": description});
    assert_eq!((answer.status, answer.json()), (status, document), "{refusal:?}");
}

#[test]
fn assertion_is_refused_for_each_claim_that_is_wrong() {
    use TokenRefusal::{Audience, Clock, InvalidScope, UnknownAccount, UnknownUser};
    let google = start(FakeGoogle::builder());
    assert_eq!(exchange(&google, &jwt(&claims(json!({})))).status, 200);
    for (changes, refusal) in [
        (json!({"iss": "other@throw-away.iam.gserviceaccount.com"}), UnknownAccount),
        (json!({"aud": "https://elsewhere.invalid/token"}), Audience),
        (json!({"iat": now() + 1, "exp": now() + 3600}), Clock),
        (json!({"iat": now() - 3600, "exp": now()}), Clock),
        (json!({"exp": now() + 3601}), Clock),
        (json!({"exp": now()}), Clock),
        (json!({"sub": "nobody"}), UnknownUser),
        (json!({"scope": ""}), InvalidScope),
        (json!({"scope": "analytics"}), InvalidScope),
        (json!({"scope": format!("{ANALYTICS},{ANALYTICS_READONLY}")}), InvalidScope),
        (json!({"scope": null}), InvalidScope),
        (json!({"target_audience": "https://service.example"}), InvalidScope),
    ] {
        assert_refused(&exchange(&google, &jwt(&claims(changes))), refusal);
    }
}

#[test]
fn assertion_is_refused_for_its_signature() {
    let google = start(FakeGoogle::builder());
    let claims = claims(json!({}));
    let good = jwt(&claims);
    let (text, _) = good.rsplit_once('.').expect("a signature");
    let other = signed(&json!({"alg": "RS256"}), &json!({"iss": EMAIL}));
    for bad in [
        signed(&json!({"alg": "RS512"}), &claims),
        signed(&json!({"alg": "RS256", "typ": "JWS"}), &claims),
        signed(&json!({"alg": "RS256", "kid": "another"}), &claims),
        format!("{text}.{}", other.rsplit_once('.').expect("a signature").1),
        format!("{text}."),
    ] {
        assert_refused(&exchange(&google, &bad), TokenRefusal::InvalidSignature);
    }
}

#[test]
fn padding_is_taken_as_clients_in_use_send_it() {
    let google = start(FakeGoogle::builder());
    let part = |json: &Value| BASE64_URL_SAFE.encode(json.to_string());
    let text = format!("{}.{}", part(&json!({"alg": "RS256"})), part(&claims(json!({}))));
    let signature = throw_away_key().signer().sign(text.as_bytes(), Instant::now()).expect("a signature");
    let signature = BASE64_URL_SAFE.encode(signature);
    assert!(signature.ends_with('='), "{signature}");
    assert_eq!(exchange(&google, &format!("{text}.{signature}")).status, 200);
}

#[test]
fn delegation_is_for_the_users_and_scopes_that_have_it() {
    let google = start(FakeGoogle::builder().delegation("boss@figures.example", [ANALYTICS_READONLY]));
    let user =
        |user: &str, scope: &str| exchange(&google, &jwt(&claims(json!({"sub": user, "scope": scope}))));
    assert_eq!(user("boss@figures.example", ANALYTICS_READONLY).status, 200);
    assert_eq!(user(EMAIL, ANALYTICS).status, 200);
    assert_refused(&user("boss@figures.example", ANALYTICS), TokenRefusal::AccessDenied);
    assert_refused(&user("else@figures.example", ANALYTICS_READONLY), TokenRefusal::UnknownUser);
    let both = FakeGoogle::builder().delegation("boss@figures.example", [ANALYTICS_READONLY]);
    let google = start(both.delegation("boss@figures.example", [ANALYTICS]));
    for scope in [ANALYTICS_READONLY, ANALYTICS] {
        let claims = claims(json!({"sub": "boss@figures.example", "scope": scope}));
        assert_eq!(exchange(&google, &jwt(&claims)).status, 200, "{scope}");
    }
    let google = start(FakeGoogle::builder().without_delegation());
    let answer = exchange(&google, &jwt(&claims(json!({"sub": "boss@figures.example"}))));
    assert_refused(&answer, TokenRefusal::DelegationNotAllowed);
}

#[test]
fn unknown_scope_alone_gets_an_id_token_and_no_access_token() {
    let nonsense = "https://www.googleapis.com/auth/nonsense";
    let google = start(FakeGoogle::builder().unknown_scope(nonsense));
    let scope = |scope: &str| exchange(&google, &jwt(&claims(json!({"scope": scope})))).json();
    let names = |json: Value| json.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>());
    assert_eq!(names(scope(nonsense)).expect("an object"), ["id_token"]);
    assert!(scope(&format!("{nonsense} {ANALYTICS}"))["access_token"].is_string());
}

#[test]
fn form_has_the_two_fields_and_no_other() {
    let google = start(FakeGoogle::builder());
    let said = |form: &str| post(&google, "/token", form).json()["error_description"].clone();
    assert_eq!(said("grant_type=password"), "Invalid grant_type: password");
    assert_eq!(said("grant_type=a&grant_type=b"), "grant_type is there twice");
    assert_eq!(said("scope=x"), "unknown parameter scope");
    assert_eq!(
        said("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer"),
        "Missing required parameter: assertion"
    );
}

#[test]
fn tokeninfo_tells_scope_and_end_until_the_token_is_revoked_or_over() {
    let clock = ManualClock::new();
    let google = FakeGoogle::builder().clock(clock.clone()).start().expect("a fake");
    let token = exchange(&google, &jwt(&claims(json!({})))).json()["access_token"].clone();
    let token = token.as_str().expect("a token");
    let info = || post(&google, &format!("/tokeninfo?access_token={token}"), "").json();
    clock.advance(Duration::from_secs(9));
    assert_eq!(
        info(),
        json!({
            "azp": "100000000000000000001",
            "aud": "100000000000000000001",
            "scope": ANALYTICS_READONLY,
            "exp": (now() + 3599).to_string(),
            "expires_in": "3590",
            "access_type": "online",
        })
    );
    assert_eq!(post(&google, "/revoke", &format!("token={token}")).json(), json!({}));
    let unknown = json!({"error": "invalid_token", "error_description": "Invalid Value"});
    assert_eq!(info(), unknown);
    let again = post(&google, "/revoke", &format!("token={token}"));
    let gone = json!({"error": "invalid_token", "error_description": "Token expired or revoked"});
    assert_eq!((again.status, again.json()), (400, gone));
    clock.advance(Duration::from_secs(3600));
    assert_eq!(info(), unknown);
}

#[test]
fn tokeninfo_tells_the_claims_of_an_id_token_as_text() {
    let google = start(FakeGoogle::builder());
    let assertion = jwt(&claims(json!({"scope": null, "target_audience": "https://service.example"})));
    let token = exchange(&google, &assertion).json()["id_token"].clone();
    let info = |token: &str| post(&google, "/tokeninfo", &format!("id_token={token}")).json();
    let claims = info(token.as_str().expect("a token"));
    let found = (&claims["aud"], &claims["exp"], &claims["email_verified"]);
    assert_eq!(
        found,
        (&json!("https://service.example"), &json!((now() + 3599).to_string()), &json!("true"))
    );
    assert_eq!(info(&assertion)["error"], "invalid_token");
}

#[test]
fn self_signed_jwt_is_a_bearer_by_its_signature_audience_scope_and_end() {
    let google = start(FakeGoogle::builder().property(1234, FakeTable::new(["country"], ["sessions"])));
    let audience = "https://analyticsdata.googleapis.com/";
    let sound = json!({"sub": EMAIL, "aud": audience, "scope": null});
    let status = |google: &FakeGoogle, changes: &Value| {
        let mut all = sound.clone();
        all.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        bearer(google, &jwt(&claims(all)))
    };
    for good in [
        json!({}),
        json!({"aud": null, "scope": ANALYTICS}),
        json!({"aud": format!("{}/", google.api_url())}),
    ] {
        assert_eq!(status(&google, &good), 200, "{good}");
    }
    assert_eq!(status(&google, &json!({"aud": null, "scope": "https://www.googleapis.com/auth/drive"})), 403);
    for bad in [
        json!({"aud": "https://analyticsdata.googleapis.com"}),
        json!({"aud": "https://drive.googleapis.com/"}),
        json!({"scope": ANALYTICS}),
        json!({"aud": null}),
        json!({"sub": "boss@figures.example"}),
        json!({"sub": null}),
        json!({"iss": "other@throw-away.iam.gserviceaccount.com"}),
        json!({"iat": now() - 3600, "exp": now()}),
        json!({"iat": now() + 1, "exp": now() + 3601}),
        json!({"exp": now() + 3599}),
    ] {
        assert_eq!(status(&google, &bad), 401, "{bad}");
    }
    let mut forged = jwt(&claims(sound.clone()));
    forged.truncate(forged.len() - 2);
    assert_eq!(bearer(&google, &forged), 401);
    let builder = FakeGoogle::builder().property(1234, FakeTable::new(["country"], ["sessions"]));
    assert_eq!(status(&start(builder.without_self_signed()), &json!({})), 401);
}

fn bearer(google: &FakeGoogle, token: &str) -> u16 {
    let mut connection = Connection::to(google);
    let head = "GET /v1beta/properties/1234/metadata HTTP/1.1";
    connection.send(format!("{head}\r\nAuthorization: Bearer {token}\r\n\r\n").as_bytes());
    connection.answer().status
}

#[test]
fn two_forms_of_401_are_told_apart_by_the_challenge() {
    let google = start(FakeGoogle::builder());
    let challenge = |headers: &str| {
        let mut connection = Connection::to(&google);
        connection.send(format!("GET /v1beta/properties/1/metadata HTTP/1.1\r\n{headers}\r\n").as_bytes());
        let answer = connection.answer();
        (
            answer.header("www-authenticate").map(str::to_owned),
            answer.json()["error"]["details"][0]["reason"].clone(),
        )
    };
    let realm = "Bearer realm=\"https://accounts.google.com/\"";
    assert_eq!(challenge(""), (Some(realm.into()), json!("CREDENTIALS_MISSING")));
    let invalid = format!("{realm}, error=\"invalid_token\"");
    assert_eq!(challenge("Authorization: Bearer ya29.x\r\n"), (Some(invalid), Value::Null));
}

#[test]
fn key_file_is_that_of_the_fake() {
    let google = start(FakeGoogle::builder());
    let key: Value = serde_json::from_str(&google.key_json()).expect("JSON");
    assert_eq!(
        (key["client_email"].as_str(), key["token_uri"].as_str()),
        (Some(EMAIL), Some(&*google.token_url()))
    );
    let mut connection = Connection::to(&google);
    connection.send(&request("GET", "/oauth2/v3/certs", ""));
    assert_eq!(connection.answer().json()["keys"][0]["kid"], key["private_key_id"]);
}
