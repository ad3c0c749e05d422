"""The loop detect / probe / bind, on asyncio and free of any OS: everything it touches is a port."""
