/** TLS settings for servers that the default (verified, as `sslmode=verify-full`) does not suit. */
export interface TlsOptions {
  /** Certificates, in PEM, to trust instead of the system's. */
  ca?: string | Uint8Array | readonly string[];
  /** A certificate of the client, in PEM, and its key. */
  cert?: string | Uint8Array;
  key?: string | Uint8Array;
  /** The name that the server's certificate must contain. Default: the host of the address. */
  servername?: string;
  /** If false, any certificate is accepted, which is safe only on a trusted network. Default: true. */
  rejectUnauthorized?: boolean;
}
