// The limits of one HTTP/1.1 message. gunicorn's names where it has them.

export interface MessageLimits {
  /** Bytes of the request line; 414 beyond. gunicorn's limit_request_line. */
  readonly requestLineBytesMax: number;
  /** Number of header fields; 431 beyond. gunicorn's limit_request_fields. */
  readonly fieldsMax: number;
  /** Bytes of one header field line; 431 beyond. gunicorn's limit_request_field_size. */
  readonly fieldBytesMax: number;
  /** Bytes of the whole head; 431 beyond. */
  readonly headBytesMax: number;
  /** Bytes of a body; 413 beyond; 0 means no limit. */
  readonly bodyBytesMax: number;
  /** Bytes of one chunk-size line with its extensions; 400 beyond. */
  readonly chunkLineBytesMax: number;
  /** Bytes of a whole trailer section; 431 beyond. */
  readonly trailerBytesMax: number;
  readonly permitObsoleteFolding: boolean;
  readonly stripHeaderSpaces: boolean;
  readonly permitUnconventionalMethod: boolean;
  readonly permitUnconventionalVersion: boolean;
  readonly casefoldMethod: boolean;
}
