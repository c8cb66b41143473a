/** An error response in GitHub's format: a status, a message, and headers that some statuses require. */
export class GitHubError extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly #extraFields: Record<string, string>;

  constructor(
    status: number,
    message: string,
    { headers = {}, ...extraFields }: { headers?: Record<string, string>; url?: string } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.#extraFields = extraFields;
  }

  get body() {
    return {
      message: this.message,
      ...this.#extraFields,
      documentation_url: 'https://docs.github.com/rest',
      status: String(this.status),
    };
  }
}

/** Returns the 404 for a path or object that does not exist or that the caller cannot see. */
export const notFound = () => new GitHubError(404, 'Not Found');
export const unprocessable = (reason: string) => new GitHubError(422, `Validation Failed: ${reason}`);
