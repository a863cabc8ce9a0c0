"""调度: what happens to an incident, and who is sent (事件流转、指挥调度)."""
