// Registers with Zowe's enabler, as config/service-configuration.yml in the current folder says.  Says "connecting", and
// leaves when its standard input ends.
import { connectToEureka, unregisterFromEureka } from "@zowe/apiml-onboarding-enabler-nodejs";

connectToEureka();
console.log("connecting");
process.stdin.on("end", () => {
  unregisterFromEureka();
  // The library tells nobody when it is done.
  setTimeout(() => process.exit(0), 500);
});
process.stdin.resume();
