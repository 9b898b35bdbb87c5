"""Is the derivative right: sampling, finite differences, certificates, claims and their diagnosis.

The package shares its name with the function `symderiv.verify`; importing anything below it makes `symderiv.verify` the
package, so the package can be called, and is the function.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Verify(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        from ..verifying import verify

        return verify(*args, **options)


sys.modules[__name__].__class__ = _Verify
