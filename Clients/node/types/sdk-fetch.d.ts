export type Client = import('./client').Client;
export type CandidateLike = import('./candidates').CandidateLike;
export type FetchOptions = import('./fetch').FetchOptions;
/**
 * Which routes the requests of an SDK go by.
 */
export type Routing = {
    /**
     * the provider of all requests; by default the host tells it: `api.openai.com` is
     * `openai`, and a host that is not known is a provider of its own name
     */
    provider?: string | undefined;
    /**
     * the deployment of all requests, such as the API key that they are made with
     */
    deployment?: string | undefined;
    /**
     * tells the route of a request instead; null: it is no
     * call to a model, and is sent without a permit
     */
    route?: ((request: Request) => CandidateLike | null) | undefined;
};
export type SDKFetchOptions = FetchOptions & Routing;
/**
 * A `fetch` for SDKs; `Client.createFetch` documents it.
 *
 * @param {Client} client @param {SDKFetchOptions} options
 * @returns {(target: string | URL | Request, init?: RequestInit) => Promise<Response>}
 */
export function createFetch(client: Client, { provider, deployment, route, ...options }: SDKFetchOptions): (target: string | URL | Request, init?: RequestInit) => Promise<Response>;
