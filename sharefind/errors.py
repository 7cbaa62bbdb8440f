"""The errors that sharefind raises on purpose. A class exists only where a caller would handle it differently.

Every message is one line: what is wrong, where, and what to do instead.
"""


class SharefindError(Exception):
    """Root of everything that sharefind raises on purpose."""


class InputError(SharefindError, ValueError):
    """Something the user gave cannot be used; the command line ends with status 2."""


class GroupError(InputError):
    """A group name, a generator or an exact number that is not one."""


class RepresentationError(InputError):
    """A representation that does not exist, does not fit, or is not a homomorphism."""


class SpaceError(InputError):
    """Subspaces that do not live in the same space, or an operation that needs an exact one."""


class UnitError(InputError):
    """A unit that is unknown or is not jointly equivariant under the given action."""


class DataError(InputError):
    """Data that cannot be read, or that holds values no model can be trained on."""


class ConfigError(InputError):
    """A setting out of range, or two settings that exclude each other."""


class RunFolderError(InputError):
    """A run folder that exists, is missing, or does not hold a run."""


class NotConvergedError(SharefindError):
    """A computation ended without the answer that it was asked for."""


class ExportError(SharefindError):
    """An export that failed its own verification and was not written."""
