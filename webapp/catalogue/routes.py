"""Products and categories on the phone: looked up, corrected, brought in from a file."""

from __future__ import annotations

import shutil
from typing import Any

from flask import Flask, Response, current_app, flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.catalogue import queries, service
from webapp.catalogue.forms import CategoryForm, FileForm, NewProductForm, ProductForm
from webapp.imports import uploads
from webapp.imports.problems import BadFile
from webapp.imports.products_in import Listed, import_products
from webapp.kernel import edge, filters, shell
from webapp.kernel.errors import Refused
from webapp.kernel.idempotency import once
from webapp.kernel.scope import Scope

bp = edge.blueprint("catalogue", __name__)
VIEW, EDIT = "catalogue.view", "catalogue.edit"
FIRST = 100  # problems on the page
SUGGESTED = 200  # categories beside the field


@bp.get("/catalogue", permission=VIEW)
def index() -> Response:
    """Products by code: all, those that hold what was typed, or those of a category."""
    typed, category = request.args.get("q", "")[:120], request.args.get("category")
    after = request.args.get("after")
    with edge.read() as scope:
        rows, following = queries.page(scope, typed, category, after)
        named = queries.category_names(scope, {row.category for row in rows if row.category})
        total = queries.count(scope, category)
        of = queries.category_of(scope, category) if category else None
    return edge.page(
        "pages/catalogue/index.html",
        block="results",
        rows=rows,
        following=following,
        typed=typed,
        category=category,
        category_id=of[0] if of else None,
        heading=of[1] if of else category,
        names=named,
        total=total,
        more={"q": typed or None, "category": category},
    )


# -- one product -------------------------------------------------------------------------------------------------------


@bp.get("/catalogue/new", permission=EDIT)
def new() -> Response:
    """An empty form."""
    return _new_page(NewProductForm())


def _new_page(form: NewProductForm, status: int = 200) -> Response:
    return edge.page("pages/catalogue/new.html", form=form, suggested=_suggested(), status=status)


def _suggested() -> list[tuple[str, str]]:
    with edge.read() as scope:
        return queries.categories(scope, limit=SUGGESTED)


@bp.post("/catalogue/new", permission=EDIT)
def add() -> Response:
    """One that no order has named yet."""
    form = NewProductForm()
    if not form.validate():
        return _new_page(form, 422)

    key = edge.form_key()

    def work(scope: Scope) -> Any:
        answer = service.add(
            scope, form.code.data or "", form.name.data or "", form.category.data or "", form.price.data
        )
        return [answer.code, answer.facts] if isinstance(answer, Refused) else answer

    answer = edge.write(lambda scope: once(scope, key, "catalogue.add", lambda: work(scope)))
    if isinstance(answer, list):
        edge.spend_once()
        form.refuse(Refused(*answer))
        return _new_page(form, 422)
    flash(_("Added."), "good")
    return edge.redirect("catalogue.show", product_id=answer)


@bp.get("/catalogue/products/<int:product_id>", permission=VIEW)
def show(product_id: int) -> Response:
    """What is known of it, to be corrected."""
    with edge.read() as scope:
        product = queries.product(scope, product_id)
    return _show(
        product_id, ProductForm(name=product.name, category=product.category, price=product.price_minor)
    )


def _show(product_id: int, form: ProductForm, status: int = 200) -> Response:
    with edge.read() as scope:
        product = queries.product(scope, product_id)
        of = queries.category_of(scope, product.category) if product.category else None
        suggested = queries.categories(scope, limit=SUGGESTED) if edge.can(EDIT) else []
    return edge.page(
        "pages/catalogue/product.html", status=status, product=product, form=form, of=of, suggested=suggested
    )


@bp.post("/catalogue/products/<int:product_id>", permission=EDIT)
def change(product_id: int) -> Response:
    """Name, category and price."""
    form = ProductForm()
    if not form.validate():
        return _show(product_id, form, 422)

    def work(scope: Scope) -> Refused | None:
        return service.change(
            scope, product_id, form.name.data or "", form.category.data or "", form.price.data
        )

    refused = edge.write(work)
    if refused is not None:
        form.refuse(refused)
        return _show(product_id, form, 422)
    flash(_("Saved."), "good")
    return edge.redirect("catalogue.show", product_id=product_id)


# -- categories --------------------------------------------------------------------------------------------------------


@bp.get("/catalogue/categories", permission=VIEW)
def categories() -> Response:
    """By code, with how many products are in each."""
    typed = request.args.get("q", "")[:120]
    with edge.read() as scope:
        rows, following = queries.category_page(scope, typed, request.args.get("after"))
        total, without = queries.count_categories(scope), queries.count(scope, category="")
    return edge.page(
        "pages/catalogue/categories.html",
        block="results",
        rows=rows,
        following=following,
        typed=typed,
        total=total,
        without=without,
    )


@bp.get("/catalogue/categories/<int:category_id>", permission=VIEW)
def category(category_id: int) -> Response:
    """One of them."""
    with edge.read() as scope:
        found = queries.category(scope, category_id)
    return _category(category_id, CategoryForm(name=found.name))


def _category(category_id: int, form: CategoryForm, status: int = 200) -> Response:
    with edge.read() as scope:
        found = queries.category(scope, category_id)
    return edge.page("pages/catalogue/category.html", status=status, category=found, form=form)


@bp.post("/catalogue/categories/<int:category_id>", permission=EDIT)
def rename(category_id: int) -> Response:
    """What people read for it."""
    form = CategoryForm()
    if not form.validate():
        return _category(category_id, form, 422)
    refused = edge.write(lambda scope: service.rename_category(scope, category_id, form.name.data or ""))
    if refused is not None:
        form.refuse(refused)
        return _category(category_id, form, 422)
    flash(_("Saved."), "good")
    return edge.redirect("catalogue.category", category_id=category_id)


# -- from a file -------------------------------------------------------------------------------------------------------


@bp.get("/catalogue/file", permission=EDIT)
def file() -> Response:
    """What a list must look like, and where to give it."""
    return _file_page(FileForm())


def _file_page(form: FileForm, listed: Listed | None = None, name: str = "", status: int = 200) -> Response:
    return edge.page(
        "pages/catalogue/file.html",
        status=status,
        form=form,
        listed=listed,
        name=name,
        problems=[
            (problem, *problem.told(_)) for problem in (listed.problems.kept[:FIRST] if listed else ())
        ],
        limit=current_app.extensions["regulars.settings"].upload_mb,
    )


@bp.post("/catalogue/file", permission=EDIT, large=True)
def bring() -> Response:
    """All of it, or nothing and what is wrong with it."""
    form = FileForm()
    if not form.validate():
        return _file_page(form, status=422)
    settings, brand = current_app.extensions["regulars.settings"], edge.brand()
    assert brand is not None
    folder = uploads.new_folder(settings.stage_dir, brand.id)
    try:
        given = form.file.data
        path = uploads.keep(given.stream, folder, "file", given.filename, settings.upload_mb << 20)
        listed = import_products(edge.database(), brand, path, actor=edge.actor())
    except BadFile as why:
        form.file.errors = [str(_(why.msgid) % why.facts)]
        return _file_page(form, status=422)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if not listed.applied:
        return _file_page(form, listed, path.name, 422)
    put = listed.put
    flash(
        _(
            "%(read)s products read: %(created)s new, %(updated)s changed, %(unchanged)s as they were.",
            read=filters.number(listed.read),
            created=filters.number(put.created),
            updated=filters.number(put.updated),
            unchanged=filters.number(put.unchanged),
        ),
        "good",
    )
    if listed.ignored_columns:
        flash(_("Not used: %(columns)s.", columns=", ".join(listed.ignored_columns[:20])), "plain")
    return edge.redirect("catalogue.file")


def init_app(app: Flask) -> None:
    """Register."""
    app.register_blueprint(bp)
    shell.more(
        "catalogue.index",
        _l("Products"),
        VIEW,
        _l("What you sell, as your till and your customers call it"),
        "goods",
    )
