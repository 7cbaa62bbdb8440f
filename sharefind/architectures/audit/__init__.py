"""An audit of networks that exist: errors end to end and by layer, hidden actions, and networks made exact."""

from sharefind.architectures.audit.auditing import audit, audit_network
from sharefind.architectures.audit.end_to_end import Verdict
from sharefind.architectures.audit.findings import Audit, LayerFinding
from sharefind.architectures.audit.hidden_action import Reading
from sharefind.architectures.audit.network_file import network_file

__all__ = ["Audit", "LayerFinding", "Reading", "Verdict", "audit", "audit_network", "network_file"]
