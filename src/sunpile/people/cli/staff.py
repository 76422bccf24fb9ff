"""`sunpile staff`: how the first people come in, and who is there. The node itself acts, by the token in its folder."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.table import Table

from sunpile.people.cli import show
from sunpile.people.cli.given import HERE, AsJson, Folder, plain
from sunpile.people.cli.node_api import NodeApi


def staff_app(api: NodeApi) -> typer.Typer:
    """The commands over a running node."""
    app = typer.Typer(name="staff", no_args_is_help=True, help="People who work with this node.")

    @app.command()
    def invite(
        name: Annotated[str, typer.Argument(help="As colleagues see it; a function will do.")],
        role: Annotated[str, typer.Option(help="viewer, operator, technician, approver or manager.")] = "manager",
        tenant: Annotated[str, typer.Option(help="For whom.")] = "default",
        folder: Folder = HERE,
        as_json: AsJson = False,
    ) -> None:
        """Make a one-time link with which somebody registers a passkey."""
        made = api.post(folder, f"/api/tenants/{quote(tenant, safe='')}/staff", {"name": name, "role": role})
        if as_json:
            typer.echo(plain(made))
            return
        typer.echo(f"Open this once, within three days, on the device that will hold the passkey:\n{made['link']}")

    @app.command("again")
    def again(
        staff: Annotated[str, typer.Argument(help="Id of who lost every passkey.")],
        folder: Folder = HERE,
    ) -> None:
        """Another one-time link for somebody of the node's own tenant."""
        typer.echo(api.post(folder, f"/api/staff/{quote(staff, safe='')}/invitation", {})["link"])

    @app.command("list")
    def listing(folder: Folder = HERE, as_json: AsJson = False) -> None:
        """Who there is in the node's own tenant."""
        found = api.get(folder, "/api/staff")
        if as_json:
            typer.echo(plain(found))
            return
        table = Table("id", "name", "role", "disabled")
        for member in found:
            table.add_row(member["staff"], member["name"], member["role"], "yes" if member["disabled"] else "")
        show.console.print(table)

    @app.command()
    def tenant(
        tenant: Annotated[str, typer.Argument(help="Id: small letters, digits and dashes.")],
        name: Annotated[str, typer.Argument(help="As people call it.")],
        folder: Folder = HERE,
    ) -> None:
        """Add a tenant: an owner of stations, apart from all others."""
        made = api.post(folder, "/api/tenants", {"tenant": tenant, "name": name})
        show.done(f"Tenant {made['tenant']} is there; invite its first manager with: sunpile staff invite --tenant.")

    return app
