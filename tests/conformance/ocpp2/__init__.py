"""Scripts of the cases of OCPP 2, by block; importing this package imports all of them, which registers them."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
