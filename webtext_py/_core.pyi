"""The compiled core. Hand-kept stubs: checked against the module by stubtest."""

from typing import final

__version__: str

class WebTextError(Exception): ...
class FormatError(WebTextError): ...

@final
class Buffer:
    """Bytes owned by the core, readable through the buffer protocol."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
