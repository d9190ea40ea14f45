/** The version of Dapr whose behaviour is served; what tools of Dapr are told they talk to. */
export const DAPR_VERSION = '1.18.2';
