"""The errors that a user can meet; each message names the value, the place and the remedy."""


class FollowupError(Exception):
    """Base class: the command line prints the message on one line and exits with code 2."""


class AlertError(FollowupError):
    """An alert, or an archive of alerts, that cannot be read; one bad alert is quarantined, never fatal."""


class LightCurveError(FollowupError):
    """Photometry that does not make a light curve, such as an object without a single detection."""


class SpectrumError(FollowupError):
    """A spectrum, or a set of spectra, that cannot be read or does not cover what it must."""


class TrainingError(FollowupError):
    """Labels, tables, light curves or spectra that no model can be trained on."""


class TaxonomyError(FollowupError):
    """A table of the classes that types stand for which cannot be read, or says what makes no sense."""


class BundleError(FollowupError):
    """A model bundle that is missing, damaged, altered, or does not fit this version."""


class SiteError(FollowupError):
    """An observatory that is unknown or ambiguous."""


class InstrumentError(FollowupError):
    """A spectrograph that is unknown, ambiguous, or badly described."""


class NightError(FollowupError):
    """A date without a usable night at the site, or one that is no date."""


class ScheduleError(FollowupError):
    """A schedule that cannot be made of what was asked for."""


class StrategyError(FollowupError):
    """A ranking strategy that does not exist or does not work, or an option of ranking that makes no sense."""


class StoreError(FollowupError):
    """A store that cannot be opened, read or written."""


class ReadOnlyError(StoreError):
    """A store that can be read, and not written."""


class ConflictError(StoreError):
    """A decision on targets on which someone else decided otherwise meanwhile: nothing of it was recorded."""


class ViewsError(FollowupError):
    """A file of the app's saved views that cannot be read or written."""


class ExportError(FollowupError):
    """A target list that cannot be written."""


class ServiceError(FollowupError):
    """A service of others that cannot be reached, does not know us, or answers what makes no sense."""


class PolicyError(FollowupError):
    """A policy file that cannot be read, or says what makes no sense; or a plan that no policy can be replayed on."""


class LinkError(FollowupError):
    """A file of links that cannot be read, or says what makes no sense."""


class PreferencesError(FollowupError):
    """Keys or a theme that the terminal app cannot work with."""
