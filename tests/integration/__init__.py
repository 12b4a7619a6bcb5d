"""A real registry and foreign clients: Netflix's Eureka server, and libraries that others wrote.

``make integration`` builds what is needed and runs these tests; otherwise they are passed over.
"""
