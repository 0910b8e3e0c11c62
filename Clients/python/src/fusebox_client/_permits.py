"""A call under a permit, in a blocking client."""

from __future__ import annotations

from time import monotonic

from . import _calls
from ._errors import FuseboxError
from ._held import HeldCall, log_unsettled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from ._call_end import CallEnd
    from ._calls import Asked
    from ._process import Process
    from ._usage import Usage
    from .client import Client
    from .protocol.types import MarkScope


class HeldPermit(HeldCall):
    """A call under a permit, in a blocking client; see `Client.permit`."""

    def __init__(
        self,
        client: Client,
        asked: Asked,
        longest: float,
        mark_scope: MarkScope | None,
    ) -> None:
        super().__init__(client.settings, mark_scope)
        self._client = client
        self._asked = asked
        self._longest = longest
        self._process: Process | None = None

    def __enter__(self) -> HeldPermit:
        self._begin()
        client = self._client
        process = client._here()
        pending = _calls.admit(*self._asked, monotonic())
        try:
            permit = client._admit(process, pending, self._asked)
            self._permit, self._process = permit, process
            if permit.number is not None:
                process.renewals.add(permit.number, self._asked[3], is_renewed=True, longest=self._longest)
            return self
        except BaseException as error:
            client._give_up(process, pending, error)
            if self._permit is not None and self._permit.number is not None:
                process.renewals.remove(self._permit.number)
            raise

    @property
    def is_of_this_process(self) -> bool:
        return self._process is not None and self._client._is_of_this_process(self._process)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)

    def finish(self, error: BaseException | None = None) -> None:
        """Settles the call now, as the end of the block would. Later ends change nothing."""
        process = self._process
        if process is None or self.outcome is not None or not self.is_of_this_process:
            return
        end, used = self.ending(error)
        self.outcome = end.outcome
        try:
            self.settling = self._client._settle(process, self.permit, end, used, is_kept=True)
        except FuseboxError as failure:
            process.exchange.note_dropped()
            log_unsettled(self.permit, failure)
            self._settle_without_usage(process, end, used)

    def _settle_without_usage(self, process: Process, end: CallEnd, used: Usage | None) -> None:
        """The outcome counts although the usage does not."""
        if used is None:
            return
        try:
            self.settling = self._client._settle(process, self.permit, end, None, is_kept=True)
        except FuseboxError:
            pass  # It was logged with its usage.
