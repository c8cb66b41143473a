"""Calls the emulator through Scalekit's SDK for Python.

Prints one line of JSON for each check. `walks.sdk.ts` starts it with the emulator's variables.
"""

import base64
import json
import os
import traceback

from google.protobuf.json_format import MessageToDict
from scalekit import ScalekitClient
from scalekit.common import exceptions
from scalekit.common.scalekit import TokenValidationOptions
from scalekit.v1.clients.clients_pb2 import OrganizationClient
from scalekit.v1.organizations.organizations_pb2 import CreateOrganization

URL = os.environ["SCALEKIT_ENVIRONMENT_URL"]
ID = os.environ["SCALEKIT_CLIENT_ID"]
SECRET = os.environ["SCALEKIT_CLIENT_SECRET"]
FIELDS = {
    "name": "Inventory service",
    "description": "First line\nSecond line: ä, “quoted”",
    "scopes": ["deploy:applications", "read:deployments"],
    "audience": ["deployment-api.example.com", "https://api.example.com"],
    "custom_claims": [
        {"key": "github_repository", "value": "acme/inventory-service"},
        {"key": "environment", "value": "production_us"},
    ],
    "expiry": 3600,
}
# Protobuf writes 64-bit numbers as strings into JSON.
STORED = {**FIELDS, "expiry": "3600"}


def check(name):
    """Runs the decorated function as a check, and prints whether it passed."""

    def run(function):
        try:
            function()
            error = None
        except Exception:
            error = traceback.format_exc()
        print(json.dumps({"check": name, "error": error}), flush=True)

    return run


def has(message, expected):
    """Asserts that a message has these fields, and ignores others."""
    fields = MessageToDict(message, preserving_proto_field_name=True)
    actual = {key: fields.get(key) for key in expected}
    assert actual == expected, f"expected {expected}; got {actual}"


def failure(expected, call, *arguments, **options):
    """Returns the error of a call, which must be of this class."""
    try:
        call(*arguments, **options)
    except expected as error:
        return error
    raise AssertionError(f"expected {expected.__name__}; got no error")


def reports(error, status, code):
    """Asserts the HTTP status and the error code of an error."""
    assert (error.http_status, error.error_code) == (status, code), f"got {error!s}"


scalekit = ScalekitClient(URL, ID, SECRET)
m2m = scalekit.m2m_client
organization = scalekit.organization
known = {}


def read():
    """Returns the client as the API shows it."""
    return m2m.get_organization_client(known["org"], known["client"])[0].client


@check("creates an organization, and reads it by both ids")
def _():
    fields = CreateOrganization(display_name="Acme", external_id="python-walk")
    known["org"] = organization.create_organization(fields)[0].organization.id
    expected = {"id": known["org"], "display_name": "Acme", "external_id": "python-walk"}
    has(organization.get_organization(known["org"])[0].organization, expected)
    has(organization.get_organization_by_external_id("python-walk")[0].organization, expected)


@check("creates a client with every field, and gets its secret")
def _():
    created, call = m2m.create_organization_client(known["org"], OrganizationClient(**FIELDS))
    assert call.code().name == "OK"
    has(created.client, {**STORED, "organization_id": known["org"]})
    assert len(created.client.secrets) == 1
    known["client"] = created.client.client_id
    known["secret"] = created.plain_secret
    known["secret_id"] = created.client.secrets[0].id
    assert known["client"].startswith("m2morg_") and known["secret_id"].startswith("sks_")


@check("reads a client with every field, and of its secret only the last characters")
def _():
    client = read()
    has(client, {**STORED, "client_id": known["client"], "organization_id": known["org"]})
    assert client.create_time.seconds > 0 and client.update_time.seconds > 0
    assert len(client.secrets) == 1
    has(client.secrets[0], {"id": known["secret_id"], "plain_secret": None, "secret_suffix": known["secret"][-4:]})


@check("lists the clients with two on a page")
def _():
    own = [known["client"]]
    for name in ("second", "third", "fourth", "fifth"):
        created, _ = m2m.create_organization_client(known["org"], OrganizationClient(name=name))
        own.append(created.client.client_id)
    sizes, listed, token = [], [], None
    while token != "":
        page, _ = m2m.list_organization_clients(known["org"], page_size=2, page_token=token)
        assert page.total_size == 5
        assert (page.prev_page_token == "") == (sizes == [])
        sizes.append(len(page.clients))
        listed += [client.client_id for client in page.clients]
        token = page.next_page_token
    assert sizes == [2, 2, 1], sizes
    assert listed == own


@check("updates a client, and keeps what the update omits")
def _():
    changes = {"description": "Changed", "custom_claims": [{"key": "team", "value": "platform"}]}
    updated, _ = m2m.update_organization_client(known["org"], known["client"], OrganizationClient(**changes))
    has(updated.client, {**STORED, **changes, "client_id": known["client"], "secrets": None})
    has(read(), {**STORED, **changes})


@check("adds a secret, and reads the oldest secret first")
def _():
    added, _ = m2m.add_organization_client_secret(known["org"], known["client"])
    assert added.plain_secret and added.plain_secret != known["secret"]
    has(added.secret, {"secret_suffix": added.plain_secret[-4:]})
    known["second"] = added.secret.id
    assert [secret.id for secret in read().secrets] == [known["secret_id"], known["second"]]


@check("reports a secret above the limit as too many requests")
def _():
    add = m2m.add_organization_client_secret
    error = failure(exceptions.ScalekitTooManyRequestsException, add, known["org"], known["client"])
    reports(error, 429, "RESOURCE_EXHAUSTED")
    assert error.message == "only 2 secrets are allowed"


@check("deletes a secret")
def _():
    m2m.remove_organization_client_secret(known["org"], known["client"], known["second"])
    assert [secret.id for secret in read().secrets] == [known["secret_id"]]


@check("reports the deletion of the last secret as a bad request")
def _():
    remove = m2m.remove_organization_client_secret
    ids = known["org"], known["client"], known["secret_id"]
    error = failure(exceptions.ScalekitBadRequestException, remove, *ids)
    reports(error, 400, "FAILED_PRECONDITION")
    assert error.message == "last client cannot be deleted"


@check("gets a token with the credentials of the client, and validates it with the published keys")
def _():
    known["token"] = scalekit.generate_client_token(known["client"], known["secret"])
    options = TokenValidationOptions(
        issuer=URL, audience=FIELDS["audience"], required_scopes=FIELDS["scopes"]
    )
    claims = scalekit.validate_access_token_and_get_claims(known["token"], options)
    expected = {
        "iss": URL,
        "sub": known["client"],
        "client_id": known["client"],
        "oid": known["org"],
        "aud": FIELDS["audience"],
        "scopes": FIELDS["scopes"],
        "custom_claims": {"team": "platform"},
    }
    assert {key: claims.get(key) for key in expected} == expected, claims
    assert claims["exp"] - claims["iat"] == FIELDS["expiry"]


@check("refuses a token whose claims were changed, and one without a required scope")
def _():
    header, payload, signature = known["token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed = json.dumps({**claims, "oid": "org_1"}).encode()
    forged = ".".join([header, base64.urlsafe_b64encode(changed).decode().rstrip("="), signature])
    refused = exceptions.ScalekitValidateTokenFailureException
    failure(refused, scalekit.validate_access_token_and_get_claims, forged, TokenValidationOptions())
    wanted = TokenValidationOptions(required_scopes=["admin"])
    failure(refused, scalekit.validate_access_token_and_get_claims, known["token"], wanted)


@check("gets a token for the environment")
def _():
    token = scalekit.get_client_access_token()
    claims = scalekit.validate_access_token_and_get_claims(token, TokenValidationOptions(issuer=URL))
    assert claims["sub"] == ID


@check("signs in again after the API refused its token")
def _():
    other = ScalekitClient(URL, ID, SECRET)
    other.core_client.access_token = "expired"
    client = other.m2m_client.get_organization_client(known["org"], known["client"])[0].client
    assert client.client_id == known["client"]
    assert other.core_client.access_token != "expired"


@check("reports broken rules as a bad request that names the fields")
def _():
    fields = OrganizationClient(name="a" * 129)
    error = failure(exceptions.ScalekitBadRequestException, m2m.create_organization_client, known["org"], fields)
    reports(error, 400, "INVALID_ARGUMENT")
    assert "client.name" in str(error) and "string.max_len" in str(error)


@check("reports a missing client as not found")
def _():
    error = failure(
        exceptions.ScalekitNotFoundException, m2m.get_organization_client, known["org"], "m2morg_1"
    )
    reports(error, 404, "NOT_FOUND")
    assert error.message == "client not found"


@check("reports an external id that is taken as a conflict")
def _():
    fields = CreateOrganization(display_name="Other", external_id="python-walk")
    error = failure(exceptions.ScalekitConflictException, organization.create_organization, fields)
    reports(error, 409, "RESOURCE_ALREADY_EXISTS")


@check("reports the credentials of an organization client as forbidden")
def _():
    other = ScalekitClient(URL, known["client"], known["secret"])
    listing = other.m2m_client.list_organization_clients
    reports(failure(exceptions.ScalekitForbiddenException, listing, known["org"]), 403, "PERMISSION_DENIED")


@check("reports a wrong secret as unauthorized")
def _():
    failure(exceptions.ScalekitUnauthorizedException, ScalekitClient, URL, ID, "wrong")


@check("reports a token that the API refuses as unauthorized")
def _():
    other = ScalekitClient(URL, ID, SECRET)
    other.core_client.access_token = "expired"
    # Without this, the SDK signs in and sends the request again.
    other.core_client.client_secret = "wrong"
    listing = other.m2m_client.list_organization_clients
    reports(failure(exceptions.ScalekitUnauthorizedException, listing, known["org"]), 401, "UNAUTHENTICATED")


@check("reports a call that the emulator does not serve as not implemented")
def _():
    error = failure(exceptions.ScalekitNotImplementedException, scalekit.domain.list_domains, known["org"])
    reports(error, 501, "UNIMPLEMENTED")


@check("deletes a client, and no longer finds it")
def _():
    m2m.delete_organization_client(known["org"], known["client"])
    failure(exceptions.ScalekitNotFoundException, m2m.get_organization_client, known["org"], known["client"])
    generate = scalekit.generate_client_token
    failure(exceptions.ScalekitUnauthorizedException, generate, known["client"], known["secret"])


@check("deletes an organization with its clients")
def _():
    organization.delete_organization(known["org"])
    failure(exceptions.ScalekitNotFoundException, m2m.list_organization_clients, known["org"])
