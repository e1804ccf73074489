/** Names of zones: they are shown in tables and come from other machines. */
export const ZONE_NAME = /^[\w.-]{1,64}$/
