"""Google's own Python clients against the example fake_google, over https: google-auth and google-analytics-data.

Argument: the built example. Prints a line `client, case, result` for each case, separated by tabs; exits with 1
if one fails.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile

import requests
from google.analytics.data_v1beta import BetaAnalyticsDataClient, types
from google.analytics.data_v1beta.services.beta_analytics_data.transports.rest import (
    BetaAnalyticsDataRestTransport,
)
from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import id_token, service_account

PROGRAM = sys.argv[1]
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
PROPERTY = "properties/1234"
FOLDER = tempfile.mkdtemp()
ROWS = f"{FOLDER}/rows.csv"
with open(ROWS, "w") as file:
    file.write("date,country,sessions:integer,purchaseRevenue:currency\n")
    for number in range(25):
        file.write(f"202601{number % 5 + 1:02},country {number:02},{number},{number / 4}\n")


@contextlib.contextmanager
def fake(*arguments):
    """Runs a fake over https, trusted by `requests`; gives what it prints."""
    command = [PROGRAM, "--https", "--rows", ROWS, "--folder", FOLDER, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    printed = {}
    for line in process.stdout:
        name, value = line.strip().split("=", 1)
        if name == "READY":
            break
        printed[name] = value
    os.environ["REQUESTS_CA_BUNDLE"] = printed["CA_FILE"]
    try:
        yield printed
    finally:
        process.terminate()
        assert process.wait() == 0, "the fake ends cleanly on SIGTERM"


def credentials(google, **options):
    return service_account.Credentials.from_service_account_file(google["KEY_FILE"], scopes=[SCOPE], **options)


def refreshed(source):
    source.refresh(Request())
    return source.token


def client(google, self_signed):
    """A client of the Data API; Google's signs JWTs itself unless told not to."""
    if self_signed:
        source = service_account.Credentials.from_service_account_file(google["KEY_FILE"])
    else:
        source = credentials(google)
    host = google["API_URL"].removeprefix("https://")
    transport = BetaAnalyticsDataRestTransport(
        host=host, credentials=source, always_use_jwt_access=self_signed
    )
    return BetaAnalyticsDataClient(transport=transport)


def report_request(**fields):
    return types.RunReportRequest(
        property=PROPERTY,
        date_ranges=[types.DateRange(start_date="2026-01-01", end_date="2026-01-31")],
        dimensions=[types.Dimension(name="country")],
        metrics=[types.Metric(name="sessions"), types.Metric(name="purchaseRevenue")],
        **fields,
    )


def equal(found, expected):
    assert found == expected, f"{found!r} instead of {expected!r}"


def raises(kind, text, call):
    try:
        call()
    except kind as error:
        assert text in str(error), f"{text!r} is not in {error}"
    else:
        raise AssertionError(f"no {kind.__name__}")


# google-auth


def token():
    with fake() as google:
        first, second = (refreshed(credentials(google)) for _ in range(2))
        assert first.startswith("ya29.") and first != second
        info = requests.get(google["API_URL"] + "/tokeninfo", params={"access_token": first}).json()
        equal(info["scope"], SCOPE)
        revoked = requests.post(google["API_URL"] + "/revoke", data={"token": first})
        equal(revoked.status_code, 200)
        info = requests.get(google["API_URL"] + "/tokeninfo", params={"access_token": first}).json()
        equal(info["error"], "invalid_token")


def id_tokens():
    with fake() as google:
        source = service_account.IDTokenCredentials.from_service_account_file(
            google["KEY_FILE"], target_audience="https://service.example"
        )
        claims = id_token.verify_token(
            refreshed(source),
            Request(),
            audience="https://service.example",
            certs_url=google["API_URL"] + "/oauth2/v3/certs",
            clock_skew_in_seconds=1,
        )
        equal(claims["email"], "fake@throw-away.iam.gserviceaccount.com")


def delegation():
    with fake("--delegate", f"boss@figures.example={SCOPE}") as google:
        assert refreshed(credentials(google, subject="boss@figures.example")).startswith("ya29.")
        other = credentials(google, subject="stranger@figures.example")
        raises(RefreshError, "invalid_grant: Invalid email or User ID", lambda: refreshed(other))


def refusals():
    for code, text in [
        ("disabled_client", "disabled_client: The OAuth client was disabled."),
        ("unauthorized_client", "unauthorized_client: Client is unauthorized to retrieve access tokens"),
        ("invalid_grant", "invalid_grant: Invalid JWT Signature."),
    ]:
        with fake("--fault", f"refusal:{code}") as google:
            raises(RefreshError, text, lambda: refreshed(credentials(google)))


def refresh_after_401():
    with fake("--fault", "status:401@/metadata") as google:
        source = credentials(google)
        first = refreshed(source)
        answer = AuthorizedSession(source).get(f"{google['API_URL']}/v1beta/{PROPERTY}/metadata")
        equal(answer.status_code, 200)
        assert source.token != first, "the refused token was replaced"


# google-analytics-data


def run_report(self_signed):
    Expression, Filter = types.FilterExpression, types.Filter
    with fake(*without(self_signed)) as google:
        country = Expression(
            filter=Filter(
                field_name="country",
                string_filter=Filter.StringFilter(
                    value="COUNTRY (0|1)[0-9]", match_type=Filter.StringFilter.MatchType.FULL_REGEXP
                ),
            )
        )
        some = Expression(
            filter=Filter(
                field_name="sessions",
                numeric_filter=Filter.NumericFilter(
                    operation=Filter.NumericFilter.Operation.GREATER_THAN, value=types.NumericValue(int64_value=2)
                ),
            )
        )
        pages, api = [], client(google, self_signed)
        while not pages or len(pages[-1].rows) == 7:
            request = report_request(
                dimension_filter=Expression(
                    and_group=types.FilterExpressionList(
                        expressions=[country, Expression(not_expression=Expression(filter=Filter(
                            field_name="country", in_list_filter=Filter.InListFilter(values=["Country 05"])
                        )))]
                    )
                ),
                metric_filter=some,
                order_bys=[types.OrderBy(dimension=types.OrderBy.DimensionOrderBy(dimension_name="country"))],
                metric_aggregations=[types.MetricAggregation.TOTAL, types.MetricAggregation.MAXIMUM],
                limit=7,
                offset=7 * len(pages),
                return_property_quota=True,
            )
            pages.append(api.run_report(request))
        expected = [n for n in range(3, 20) if n != 5]
        rows = [row for page in pages for row in page.rows]
        equal([row.dimension_values[0].value for row in rows], [f"country {n:02}" for n in expected])
        equal([int(row.metric_values[0].value) for row in rows], expected)
        equal([float(row.metric_values[1].value) for row in rows], [n / 4 for n in expected])
        equal({page.row_count for page in pages}, {len(expected)})
        equal(pages[0].totals[0].metric_values[0].value, str(sum(expected)))
        equal(pages[0].maximums[0].dimension_values[0].value, "RESERVED_MAX")
        types_of = [header.type_ for header in pages[0].metric_headers]
        equal(types_of, [types.MetricType.TYPE_INTEGER, types.MetricType.TYPE_CURRENCY])
        equal(pages[0].property_quota.tokens_per_hour.consumed, 1)


def batch(self_signed):
    with fake(*without(self_signed)) as google:
        request = types.BatchRunReportsRequest(property=PROPERTY, requests=[report_request(), report_request(limit=1)])
        answer = client(google, self_signed).batch_run_reports(request)
        equal([len(report.rows) for report in answer.reports], [24, 1])


def other_methods(self_signed):
    with fake(*without(self_signed)) as google:
        api = client(google, self_signed)
        metadata = api.get_metadata(name=PROPERTY + "/metadata")
        equal([d.api_name for d in metadata.dimensions], ["date", "country"])
        equal(metadata.metrics[1].type_, types.MetricType.TYPE_CURRENCY)
        compatible = api.check_compatibility(
            types.CheckCompatibilityRequest(property=PROPERTY, metrics=[types.Metric(name="sessions")])
        )
        equal(compatible.dimension_compatibilities[0].compatibility, types.Compatibility.COMPATIBLE)
        pivot = api.run_pivot_report(
            types.RunPivotReportRequest(
                property=PROPERTY,
                date_ranges=[types.DateRange(start_date="2026-01-01", end_date="2026-01-02")],
                dimensions=[types.Dimension(name="country"), types.Dimension(name="date")],
                metrics=[types.Metric(name="sessions")],
                pivots=[
                    types.Pivot(field_names=["country"], limit=3),
                    types.Pivot(
                        field_names=["date"], limit=10, metric_aggregations=[types.MetricAggregation.TOTAL]
                    ),
                ],
            )
        )
        equal((pivot.pivot_headers[0].row_count, len(pivot.rows)), (9, 3))
        equal({row.dimension_values[1].value for row in pivot.aggregates}, {"RESERVED_TOTAL"})
        realtime = api.run_realtime_report(
            types.RunRealtimeReportRequest(property=PROPERTY, metrics=[types.Metric(name="sessions")])
        )
        equal(realtime.rows[0].metric_values[0].value, "300")


def quota(self_signed):
    with fake("--tokens-left", "1", *without(self_signed)) as google:
        api = client(google, self_signed)
        api.run_report(report_request())
        text = "Exhausted property tokens for a project per hour."
        raises(exceptions.TooManyRequests, text, lambda: api.run_report(report_request()))


def report_after_401(self_signed):
    with fake("--fault", "status:401@:runReport", *without(self_signed)) as google:
        equal(client(google, self_signed).run_report(report_request()).row_count, 24)


def wrong_requests(self_signed):
    with fake(*without(self_signed)) as google:
        api = client(google, self_signed)
        request = report_request()
        request.dimensions.append(types.Dimension(name="planet"))
        raises(exceptions.BadRequest, "Field planet is not a valid dimension.", lambda: api.run_report(request))
        elsewhere = report_request()
        elsewhere.property = "properties/99"
        raises(exceptions.Forbidden, "sufficient permissions", lambda: api.run_report(elsewhere))


def without(self_signed):
    return [] if self_signed else ["--without-self-signed"]


CASES = [
    ("google-auth", "token, tokeninfo, revocation", token),
    ("google-auth", "ID token, verified by the fake's keys", id_tokens),
    ("google-auth", "delegation, and a user without", delegation),
    ("google-auth", "refusals of the token endpoint", refusals),
    ("google-auth", "401, then refresh", refresh_after_401),
]
for self_signed, tokens in [(False, "access token"), (True, "self-signed JWT")]:
    for name, case in [
        ("runReport with filters and paging", run_report),
        ("batchRunReports", batch),
        ("metadata, compatibility, pivot, realtime", other_methods),
        ("429 by quota", quota),
        ("401, then a new token", report_after_401),
        ("requests that are refused", wrong_requests),
    ]:
        run = lambda case=case, self_signed=self_signed: case(self_signed)
        CASES.append(("google-analytics-data (Python)", f"{name}, {tokens}", run))

failed = False
for library, name, case in CASES:
    try:
        case()
        result = "ok"
    except Exception as error:
        failed, result = True, f"FAILED: {type(error).__name__}: {json.dumps(str(error)[:300])}"
    print(f"{library}\t{name}\t{result}", flush=True)
sys.exit(failed)
