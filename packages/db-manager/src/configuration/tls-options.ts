/** How TLS is to be done where the default (verified, as `sslmode=verify-full`) does not fit. */
export interface TlsOptions {
  /** Certificates, in PEM, to trust instead of the system's. */
  ca?: string | Uint8Array | readonly string[];
  /** A certificate of the client, in PEM, and its key. */
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
  /** The name to look for in the server's certificate. Default: the host of the address. */
  servername?: string;
  /** With false, any certificate is accepted: safe only on a network that is. Default: true. */
  rejectUnauthorized?: boolean;
}
