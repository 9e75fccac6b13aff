"""Switch shape checking on before anything of handlib is imported."""

from jaxtyping import install_import_hook

install_import_hook("handlib", "beartype.beartype")
