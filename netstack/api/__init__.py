"""Socket layers on the raw API: ``netconn`` (lwIP's sockets) and ``modlwip`` (MicroPython's); ``common`` says
what both share.
"""
