"""Write docs/staff/roles.md: what each role may do, from webapp/staff/permissions.py, in English and Chinese.

python tools/roles.py           # write it
python tools/roles.py --check   # fail where it is not what the code says (a test does)
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from flask import Flask  # noqa: E402
from flask_babel import force_locale  # noqa: E402

from webapp.kernel import i18n  # noqa: E402
from webapp.staff.forms import ROLE_HINTS  # noqa: E402
from webapp.staff.permissions import IN_STORES, PERMISSIONS, ROLE_NAMES, ROLES  # noqa: E402

PAGE = ROOT / "docs" / "staff" / "roles.md"
HEAD = """# Who may do what · 谁可以做什么

Written by `tools/roles.py` from the code; a test keeps it true. An owner gives roles under **More, Staff** ([how](inviting.md)).
Writing a campaign and sending it are apart, so that two people look at what goes to many; an owner may do both, and a shop of one needs nobody's leave.

由程序根据代码生成。店主在 **更多 - 员工** 里分配角色。写营销活动和发送是分开的两项权限；店主两项都有，一个人的店不需要审批。
"""
REACH = """
## How far they see · 看得到的范围

Store managers, guides and clerks who were given stores see the members of those stores, what was bought and redeemed there, and figures of those alone;
given none, they see the whole brand. A member of another store has no page for them. At the counter they find any member of the brand by the *whole* number, phone or
coupon code, and see a masked name, the stage and the coupons that can be used. Owners, operators and senders always see the whole brand. Nobody sees another brand.

店长、导购和收银员只看到所属门店的会员、订单、核销和数据；没有指定门店时看到整个品牌。其他门店的会员对他们没有页面。在柜台，凭*完整的*会员号、手机号或券码可以找到品牌的任何会员，
只显示打码的姓名、阶段和可用的券。店主、运营和发送员始终看到整个品牌。没有人能看到别的品牌。
"""


def text() -> str:
    """The whole page."""
    app = Flask(__name__)
    i18n.init_i18n(app)

    def both(words: object) -> str:
        said = []
        for locale in ("en", "zh_CN"):
            with app.test_request_context(), force_locale(locale):
                said.append(str(words))
        return said[0] if said[0] == said[1] else " · ".join(said)

    roles = list(ROLES)
    lines = [HEAD]
    lines += [f"- **{both(ROLE_NAMES[role])}**: {both(ROLE_HINTS[role])}" for role in roles]
    lines += [
        "",
        "| | " + " | ".join(both(ROLE_NAMES[role]) for role in roles) + " |",
        "|---" + "|:-:" * len(roles) + "|",
    ]
    for name, words in PERMISSIONS.items():
        marks = ("✓" if name in ROLES[role] else "" for role in roles)
        lines.append(f"| {both(words)} (`{name}`) | " + " | ".join(marks) + " |")
    whole = (
        "the whole brand · 整个品牌" if role not in IN_STORES else "their stores · 所属门店" for role in roles
    )
    lines.append("| *sees · 范围* | " + " | ".join(whole) + " |")
    return "\n".join(lines) + "\n" + REACH


def main() -> None:
    if "--check" in sys.argv:
        if PAGE.read_text(encoding="utf-8") != text():
            sys.exit("docs/staff/roles.md is not what the code says: run python tools/roles.py")
        return
    PAGE.write_text(text(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
