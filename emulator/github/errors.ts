/** A refusal as GitHub words it: a status, a message, and headers where the status has some of its own. */
export class GitHubError extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly #more: Record<string, string>;

  constructor(
    status: number,
    message: string,
    { headers = {}, ...more }: { headers?: Record<string, string>; url?: string } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.#more = more;
  }

  get body() {
    return {
      message: this.message,
      ...this.#more,
      documentation_url: 'https://docs.github.com/rest',
      status: String(this.status),
    };
  }
}

export const notFound = () => new GitHubError(404, 'Not Found');
export const unprocessable = (why: string) => new GitHubError(422, `Validation Failed: ${why}`);
