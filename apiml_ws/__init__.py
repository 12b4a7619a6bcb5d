"""A WebSocket API gateway for the services of a Eureka registry."""
