"""What can go wrong for an application, named after whose fault it is; each carries sentences for people."""


class EmbeddingError(Exception):
    """Any of the below."""


class SettingsError(EmbeddingError):
    """The settings cannot be used: every problem on a line of its own, as `vipservice check` says it."""


class RightsError(EmbeddingError):
    """This process may not bind addresses, and neither may its children."""


class DaemonGoneError(EmbeddingError):
    """The daemon does not start, or does not stay, or does not answer."""


class RefusedError(EmbeddingError):
    """The daemon understood and said no; the sentence says why."""
