"""Where each foreign library comes from."""

from __future__ import annotations

from tests.usocket.foreign.download import Archive, Raw

LIB = "micropython/micropython-lib"

UMQTT_SIMPLE = Archive(
    "micropython-umqtt.simple",
    "1.3.4",
    "micropython-umqtt.simple-1.3.4.tar.gz",
    "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f",
    ("umqtt",),
)
UMQTT_ROBUST = Archive(
    "micropython-umqtt.robust",
    "1.0",
    "micropython-umqtt.robust-1.0.tar.gz",
    "22a1b8c8e1128281efb13b3020927d07e33c5b747869da2cd77d37983a9ea002",
    ("umqtt",),
)
UREQUESTS = Archive(
    "micropython-urequests",
    "0.9.1",
    "micropython-urequests-0.9.1.tar.gz",
    "15ed0132bcff1a84e87049d9d7780ce26df0810fa674aa89d187e17493d6e3c5",
    ("urequests",),
)
UAIOHTTPCLIENT = Archive(
    "micropython-uaiohttpclient",
    "0.5.1",
    "micropython-uaiohttpclient-0.5.1.tar.gz",
    "b9040d31159dea62c7087d659736e3849d3a22427afe00048a03ea695c48e51b",
    ("uaiohttpclient.py",),
)
MICRODOT = Archive(
    "microdot",
    "2.7.0",
    "microdot-2.7.0-py3-none-any.whl",
    "1e9b7b825372e1ba8ebd4c59b6180e15c71f4b5200ec4bcbf8c9f9b5652db379",
    ("microdot",),
)
MODBUS = Archive(
    "micropython-modbus",
    "2.3.7",
    "micropython-modbus-2.3.7.tar.gz",
    "b9351a66af0ff29dd585900e53827a989dedcb02ec63b1041358165089652271",
    ("umodbus",),
)
REQUESTS = Raw(
    LIB,
    "84ba4521139157d284015de6b530c13a062caf74",
    "python-ecosys/requests/requests/__init__.py",
    "38c32121aff77d92aa6a42f82e4910980a2f91ab301fa3dd8f2ffc258be8c9ab",
    "requests/__init__.py",
)
NTPTIME = Raw(
    LIB,
    "0274eda2848c3d43827100c485f2d90d48cfb1ff",
    "micropython/net/ntptime/ntptime.py",
    "d95252f784bfc09607656777ff0e5117233e8c06e5deeedd40841d99455f6a0b",
    "ntptime.py",
)
AIOHTTP = (
    Raw(
        LIB,
        "00fc3fd37b448c032cb270da35f3a2706e0044da",
        "python-ecosys/aiohttp/aiohttp/__init__.py",
        "3019f20283624c9d8eacb36cbc4b6f93122de89466f980935a2c42ea20a5af1f",
        "aiohttp/__init__.py",
    ),
    Raw(
        LIB,
        "06592f8246087e784f1caa0f80c1477a18d6a48f",
        "python-ecosys/aiohttp/aiohttp/aiohttp_ws.py",
        "73862d86611e074cd96d5dc477e97313a2f953c82d9492838ebcf63511296d79",
        "aiohttp/aiohttp_ws.py",
    ),
)
