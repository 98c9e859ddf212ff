"""Tasks and requested items as the API writes them."""

from __future__ import annotations

from typing import Any

from sandbox.world.desk.requested_items import RequestedItem
from sandbox.world.desk.tasks import Task


def task_payload(task: Task) -> dict[str, Any]:
    """An element of /tickets/{id}/tasks."""
    who = f" Ask {task.agent.person.full_name}." if task.agent else ""
    return {
        "id": task.task_id,
        "agent_id": task.agent and task.agent.agent_id,
        "group_id": task.group and task.group.group_id,
        "status": task.status,
        "due_date": task.due_at,
        "notify_before": 0,
        "title": task.title,
        "description": f"<div>{task.title}.{who}</div>",
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "closed_at": task.closed_at,
        "custom_fields": {},
    }


def requested_item_payload(item: RequestedItem) -> dict[str, Any]:
    """An element of /tickets/{id}/requested_items."""
    return {
        "id": item.item_id,
        "service_item_id": item.item.service_item_id,
        "service_item_name": item.item.name,
        "quantity": item.quantity,
        "stage": item.stage,
        "loaned": item.item.is_loaned,
        "cost_per_request": item.item.cost,
        "delivery_time": item.item.delivery_hours,
        "is_parent": item.is_parent,
        "remarks": "Please leave it at the front desk." if item.quantity > 1 else None,
        "custom_fields": {},
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }
