"""Where the routes come from: Eureka, static definitions, the embedded registry."""
