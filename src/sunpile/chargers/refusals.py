"""Why a station could not connect or what is odd about it: each code in a sentence, with what to do, in two languages.

Codes are what the store keeps and the console shows; a code without words fails a test.
"""

from typing import NamedTuple


class Words(NamedTuple):
    """What happened and what to do about it."""

    en: str
    """English."""
    zh: str
    """Simplified Chinese."""


CURES: dict[str, Words] = {
    "wrong path": Words(
        "It asked for a path that is not /ocpp/ and its identity. Set its URL to .../ocpp, or .../ocpp/IDENTITY.",
        "它请求的路径不是 /ocpp/ 加身份标识。请把充电桩的地址设为 .../ocpp 或 .../ocpp/身份标识。",
    ),
    "no credentials": Words(
        "It sent no password. Switch basic authentication (profile 1 or 2) on in its menu and type its password.",
        "它没有发送密码。请在充电桩菜单中启用基本认证（安全等级 1 或 2）并输入密码。",
    ),
    "other identity": Words(
        "Its user name is not its identity. Type the identity as user name, or leave the user name empty.",
        "用户名与身份标识不一致。请把用户名设为身份标识，或留空由充电桩自动填写。",
    ),
    "unknown station": Words(
        "No station of this identity is registered. Register it, or correct the identity in its menu.",
        "没有登记这个身份标识的充电桩。请先登记，或更正充电桩中的身份标识。",
    ),
    "wrong password": Words(
        "The password is wrong. Type the station's password again, or give it a new one.",
        "密码错误。请重新输入充电桩的密码，或为它生成新密码。",
    ),
    "plain instead of TLS": Words(
        "It came without TLS, but its security profile needs TLS. Set its URL to wss:// and the port for TLS.",
        "它未使用 TLS，但其安全等级要求 TLS。请把地址改为 wss:// 并使用 TLS 端口。",
    ),
    "TLS instead of plain": Words(
        "It came with TLS, but is registered without. Raise its security profile to 2, which is also safer.",
        "它使用了 TLS，但登记的安全等级不含 TLS。请把安全等级提高到 2，这样也更安全。",
    ),
    "profile not allowed": Words(
        "Connections without TLS are switched off. Give it a wss:// URL, or allow its profile in the settings.",
        "未加密的连接已被关闭。请改用 wss:// 地址，或在节点设置中允许该安全等级。",
    ),
    "no client certificate": Words(
        "Its security profile 3 needs a certificate of its own and it showed none. Install one, or renew it.",
        "安全等级 3 要求充电桩出示自己的证书，但它没有出示。请为它安装或更新证书。",
    ),
    "no subprotocol": Words(
        "It named no OCPP version. Choose OCPP 1.6J, 2.0.1 or 2.1 in its menu, or put up with it for this station.",
        "它没有声明 OCPP 版本。请在菜单中选择 OCPP 1.6J、2.0.1 或 2.1，或对该桩放宽此项。",
    ),
    "unknown version": Words(
        "It offers only OCPP versions that are not spoken here. Update it to OCPP 1.6J, 2.0.1 or 2.1.",
        "它只支持本系统不支持的 OCPP 版本。请升级到 OCPP 1.6J、2.0.1 或 2.1。",
    ),
    "wrong scheme": Words(
        "It spoke TLS to the port without TLS. Set its URL to ws://, or better: to wss:// and the port for TLS.",
        "它向非 TLS 端口发起了 TLS 连接。请把地址改为 ws://，或更好：改用 wss:// 与 TLS 端口。",
    ),
    "plain text to TLS port": Words(
        "It spoke without TLS to the port for TLS. Set its URL to wss:// instead of ws://.",
        "它向 TLS 端口发起了明文连接。请把地址从 ws:// 改为 wss://。",
    ),
    "not a WebSocket": Words(
        "What came was no WebSocket upgrade: a browser, a port scan, or OCPP over SOAP. Use OCPP over JSON.",
        "收到的不是 WebSocket 连接：可能是浏览器、端口扫描或 SOAP 方式的 OCPP。请使用 JSON 方式。",
    ),
    "rate limited": Words(
        "Too many failed attempts came from this address. Mend the cause of the others first; it may try again soon.",
        "来自该地址的失败尝试过多。请先解决其他失败原因；稍后可重试。",
    ),
    "quarantined": Words(
        "Two devices seem to use this identity: connections took over from each other too often. Find the second one.",
        "似乎有两台设备使用同一身份标识：连接互相抢占过于频繁。请找出另一台设备。",
    ),
    "TLS version": Words(
        "It speaks no TLS version that is allowed (1.2 or 1.3). Update its firmware.",
        "它不支持允许的 TLS 版本（1.2 或 1.3）。请升级固件。",
    ),
    "TLS cipher": Words(
        "It and the node have no cipher suite in common. Update it, or allow the two old suites in the settings.",
        "它与节点没有共同的加密套件。请升级充电桩，或在设置中允许两种旧套件。",
    ),
    "TLS distrusted us": Words(
        "It did not trust the node's certificate. Install the node's root certificate on it, and check its clock.",
        "它不信任节点的证书。请在充电桩上安装节点的根证书，并检查其时钟。",
    ),
    "TLS client certificate": Words(
        "The certificate it showed is not of an authority that the node trusts. Give it one of this operator.",
        "它出示的证书不是由节点信任的机构签发的。请为它安装本运营商的证书。",
    ),
    "TLS failed": Words(
        "The TLS handshake failed. Check its clock, its TLS settings and its root certificate.",
        "TLS 握手失败。请检查充电桩的时钟、TLS 设置和根证书。",
    ),
    "certificate unreadable": Words(
        "What it showed is no X.509 certificate. Renew its certificate.",
        "它出示的不是有效的 X.509 证书。请更新证书。",
    ),
    "certificate self-signed": Words(
        "Its certificate is signed by itself. Give it one of this operator.",
        "它的证书是自签名的。请安装本运营商签发的证书。",
    ),
    "certificate of another ca": Words(
        "Its certificate is of an authority that is not this operator's. Give it one of this operator.",
        "它的证书来自其他机构。请安装本运营商签发的证书。",
    ),
    "certificate signature broken": Words(
        "The signature on its certificate is not by the issuer it names: forged or damaged. Renew it.",
        "证书上的签名与其签发者不符：可能被伪造或损坏。请更新证书。",
    ),
    "certificate expired": Words(
        "Its certificate has expired. Let it in by password (profile 2) and renew the certificate.",
        "它的证书已过期。请先以密码方式（安全等级 2）接入，再更新证书。",
    ),
    "certificate not yet valid": Words(
        "Its certificate is not valid yet. Check the clocks of station and node.",
        "它的证书尚未生效。请检查充电桩与节点的时钟。",
    ),
    "certificate for other use": Words(
        "Its certificate is not meant to identify a client. Install a charging station certificate.",
        "它的证书不能用于标识客户端。请安装充电桩证书。",
    ),
    "certificate with wrong O": Words(
        "The organisation in its certificate is not this operator (A00.FR.404). Give it one of this operator.",
        "证书中的组织名称不是本运营商（A00.FR.404）。请安装本运营商签发的证书。",
    ),
    "station without serial number": Words(
        "Its serial number is unknown, so no certificate can be compared (A00.FR.405). Enter the serial number.",
        "未登记充电桩序列号，无法核对证书（A00.FR.405）。请填写序列号。",
    ),
    "certificate with wrong CN": Words(
        "The name in its certificate does not contain its serial number (A00.FR.405). Renew its certificate.",
        "证书名称中不含该桩的序列号（A00.FR.405）。请更新它的证书。",
    ),
    "certificate of other station": Words(
        "Its certificate was made for another station. Renew this station's certificate.",
        "该证书是为另一台充电桩签发的。请为本桩更新证书。",
    ),
    "certificate revoked": Words(
        "Its certificate is revoked. If the station is still yours, give it a new one.",
        "它的证书已被吊销。若该桩仍属于您，请签发新证书。",
    ),
}
"""Reason of a refusal (`Refusal.reason`) to its words."""

REMARKS: dict[str, Words] = {
    "bad-frame": Words(
        "It sent messages that break the rules of OCPP and were refused; see the raw messages, and its leniencies.",
        "它发送了不符合 OCPP 规则的消息并被拒绝；请查看原始消息与放宽项。",
    ),
    "unsolicited-answer": Words(
        "It answered calls that nobody had made, or too late; the answers were dropped.",
        "它回复了没有发出或已超时的请求；这些回复已被丢弃。",
    ),
    "silent-in-command": Words(
        "It went silent in the middle of a command: what it did with it is unknown.",
        "它在执行命令途中失去响应：命令结果未知。",
    ),
    "other-stations-transaction": Words(
        "It spoke of a transaction that belongs to another station. Nothing of the other station was changed.",
        "它提到了属于另一台充电桩的交易。另一台充电桩的数据没有改变。",
    ),
    "flood": Words(
        "It sent faster than it waited for answers; what went beyond the queue was refused.",
        "它不等回复就继续发送；超出队列的消息已被拒绝。",
    ),
    "message-id-reused": Words(
        "It used a message id twice for different messages; the second was refused.",
        "它对不同的消息重复使用了同一编号；后一条已被拒绝。",
    ),
    "answer-not-understood": Words(
        "It could not use an answer of ours and said so (CALLRESULTERROR).",
        "它表示无法处理我方的回复（CALLRESULTERROR）。",
    ),
    "before-acceptance": Words(
        "It sent messages although its registration is not accepted; they were refused.",
        "它的登记尚未被接受却发送了消息；这些消息已被拒绝。",
    ),
    "quarantined": Words(
        "Two devices seem to use its identity: the later one is kept out for some minutes.",
        "似乎有两台设备使用它的身份标识：后来者被暂时拒绝几分钟。",
    ),
    "taken-over": Words(
        "A newer connection took over from an older one that was still open.",
        "新连接取代了仍然打开的旧连接。",
    ),
    "clock-wrong": Words(
        "Its clock differs from ours by more than five minutes.",
        "它的时钟与我方相差超过五分钟。",
    ),
    "lenient": Words(
        "Some of its messages were accepted only by its leniency profile.",
        "它的部分消息仅因放宽项才被接受。",
    ),
}
"""Code of a remark on a station (`station.Remark`) to its words."""
