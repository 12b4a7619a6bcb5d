// Registers with eureka-js-client: URL APP PORT METADATA.  Says "registered", and leaves when its standard input ends.
"use strict";

const { Eureka } = require("eureka-js-client");

const [url, app, port, metadata] = process.argv.slice(2);
const { hostname, port: registryPort } = new URL(url);

const client = new Eureka({
  instance: {
    app,
    instanceId: `localhost:${app}:${port}`,
    hostName: "localhost",
    ipAddr: "127.0.0.1",
    port: { $: Number(port), "@enabled": true },
    vipAddress: app,
    dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
    metadata: JSON.parse(metadata),
  },
  eureka: {
    host: hostname,
    port: Number(registryPort),
    servicePath: "/eureka/apps/",
    heartbeatInterval: 1000,
    registryFetchInterval: 1000,
  },
  shouldUseDelta: true,
});

client.start((error) => {
  if (error) throw error;
  console.log(`registered; sees ${Object.keys(client.cache.app).join(" ")}`);
});
process.stdin.on("end", () => client.stop(() => process.exit(0)));
process.stdin.resume();
