"""The identity provider that the settings name, if they name one."""

from countenance.access.ports import Directory
from countenance.access.provider import ProviderSignIn
from countenance.adapters.addresses import is_trusted
from countenance.adapters.oidc import OidcProvider
from countenance.bootstrap.settings import Settings
from countenance.core.errors import InvalidInputError, NotFoundError


def open_provider(settings: Settings, directory: Directory) -> ProviderSignIn | None:
    """Return what signs people in with the identity provider; None where there is none.

    Raises:
        InvalidInputError: code `provider-invalid`; the settings contradict themselves.
    """
    if settings.oidc_issuer is None:
        return None
    if not settings.oidc_client_id or not is_trusted(settings.oidc_issuer):
        raise InvalidInputError(
            "the identity provider needs an issuer on https (http on this machine alone) and a client id",
            code="provider-invalid",
            hint="set COUNTENANCE_OIDC_ISSUER and COUNTENANCE_OIDC_CLIENT_ID, or neither",
        )
    secret = settings.oidc_client_secret
    provider = OidcProvider(
        settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=None if secret is None else secret.get_secret_value(),
    )
    return ProviderSignIn(directory, provider, by_email=settings.oidc_match_email)


def require_provider(provider: ProviderSignIn | None) -> ProviderSignIn:
    """Return the provider's sign-in.

    Raises:
        NotFoundError: code `provider-missing`, the settings name none.
    """
    if provider is None:
        raise NotFoundError(
            "there is no identity provider here", code="provider-missing", hint="set COUNTENANCE_OIDC_ISSUER"
        )
    return provider
