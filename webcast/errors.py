"""Every mistake a user can make raises one of these; the message is one sentence that says what to do."""


class WebcastError(Exception):
    """A mistake that the user can put right; its text is shown as it is, without a traceback."""


class ImageError(WebcastError):
    """A picture that cannot be let in: unreadable, too large, too small or not a picture."""


class GalleryError(WebcastError):
    """A gallery that is empty, malformed or made by another embedder."""


class WeightsError(WebcastError):
    """Weights that are missing, malformed or not what their hash says."""


class HubError(WebcastError):
    """The Hub refused: the id does not exist, is gated, or the token is not accepted."""


class NoFaceError(WebcastError):
    """A photo on which no face was found."""


class EpisodeError(WebcastError):
    """An archive, document or strip that cannot be read, or an edit of what is not there."""
