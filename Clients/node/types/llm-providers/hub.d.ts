export type HubOptions = import('./shared').HubOptions;
export type Logger = import('../logger').Logger;
/**
 * What all objects of this process share: one client, and a replica of the daemon's breakers, marks and ledger.
 *
 * The replica is read at once when the hub starts, and kept by events and by the replies to this worker's own writes.
 * Synchronous reads answer from it. While the daemon is away it decides alone, as the library does, and reports are
 * kept.
 */
export class Hub {
    /** @param {HubOptions} options */
    constructor({ CircuitBreakerOpenError: OpenError, ...options }?: HubOptions);
    OpenError: (new (provider: string, retryAfterSec?: number | undefined, consecutiveFailures?: number | undefined) => Error) | undefined;
    logger: import("../logger").Logger;
    client: Client;
    /** The daemon's steady clock less this process's clock, in milliseconds. */
    offset: number;
    breakers: Breakers;
    marks: Marks;
    ledger: Ledger;
    /**
     * Writes and reads under way.
     *
     * @type {Set<Promise<void>>}
     */
    pending: Set<Promise<void>>;
    isClosed: boolean;
    /** @type {Promise<void> | null} */
    started: Promise<void> | null;
    /** Whether the daemon behaves as the library does. */
    get isOfLibrary(): boolean;
    /** Connects and reads everything, once. Resolves without a daemon too: the replica is empty then. */
    start(): Promise<void>;
    begin(): Promise<void>;
    /** Follows the daemon's events until the hub is closed, and reads everything anew after each gap. */
    follow(): {
        loaded: Promise<any>;
    };
    /** @param {(value?: any) => void} isLoaded */
    listen(isLoaded: (value?: any) => void): Promise<void>;
    load(): Promise<void>;
    /** @param {import('../protocol/types').FuseboxEvent} event */
    take(event: import('../protocol/types').FuseboxEvent): void;
    /**
     * A moment of the daemon on this process's clock.
     *
     * @param {number} moment
     */
    local(moment: number): number;
    /**
     * Sends a report, which is kept while the daemon is away, or the process ends. Writes go out in the order of their
     * calls, and do not wait for the replica.
     *
     * @param {string} name @param {any} fields
     */
    report(name: string, fields: any): Promise<any>;
    /**
     * Lets something go on by itself. What fails is told to the logger.
     *
     * @param {Promise<unknown>} work @param {Logger} [logger]
     */
    background(work: Promise<unknown>, logger?: import("../logger").Logger | undefined): void;
    /** @param {unknown} error @param {Logger} [logger] */
    complain(error: unknown, logger?: import("../logger").Logger | undefined): void;
    /**
     * Sends a command, behind what was written before.
     *
     * @param {import('../protocol/types').CommandName} name @param {any} [fields]
     */
    send(name: import('../protocol/types').CommandName, fields?: any): Promise<object | import("../protocol/types").HelloReply | import("../protocol/types").PingReply | import("../protocol/types").StatusReply | import("../protocol/types").SubscribeReply | import("../protocol/types").BreakerAcquireReply | import("../protocol/types").BreakerGetReply | import("../protocol/types").BreakerListReply | import("../protocol/types").BreakerConfigurationReply | import("../protocol/types").BreakerDefaultReply | import("../protocol/types").BreakerSerializeReply | import("../protocol/types").ExhaustionMarkReply | import("../protocol/types").ExhaustionGetReply | import("../protocol/types").ExhaustionListReply | import("../protocol/types").ExhaustionDefaultReply | import("../protocol/types").ExhaustionPauseReply | import("../protocol/types").ExhaustionResumeReply | import("../protocol/types").ExhaustionPausesReply | import("../protocol/types").LedgerRecordReply | import("../protocol/types").LedgerResetReply | import("../protocol/types").LedgerAdjustReply | import("../protocol/types").LedgerAccountReply | import("../protocol/types").LedgerProviderReply | import("../protocol/types").LedgerModelReply | import("../protocol/types").LedgerProvidersReply | import("../protocol/types").LedgerModelsReply | import("../protocol/types").LedgerTotalReply | import("../protocol/types").LedgerBurnRateReply | import("../protocol/types").LedgerDepletionReply | import("../protocol/types").LedgerSummaryReply | import("../protocol/types").LedgerSummariesReply | import("../protocol/types").LedgerAccountsReply | import("../protocol/types").LedgerHistoryReply | import("../protocol/types").LedgerForgetReply | import("../protocol/types").PriceSetReply | import("../protocol/types").PriceListReply | import("../protocol/types").LedgerReconcileReply | import("../protocol/types").OverviewReply | import("../protocol/types").SnapshotNowReply | import("../protocol/types").SnapshotListReply | import("../protocol/types").SnapshotReadReply | import("../protocol/types").ImportCommitReply | import("../protocol/types").NamesPolicyReply | import("../protocol/types").AliasListReply | import("../protocol/types").HistoryFilesReply | import("../protocol/types").HistoryReadReply | import("../protocol/types").AdmissionAdmitReply | import("../protocol/types").AdmissionSettleReply | import("../protocol/types").AdmissionReportReply | import("../protocol/types").AdmissionRenewReply | import("../protocol/types").AdmissionPreviewReply | import("../protocol/types").AdmissionPermitsReply | import("../protocol/types").AdmissionRevokeReply | import("../protocol/types").AdmissionWithdrawReply | import("../protocol/types").AdmissionTicketsReply | import("../protocol/types").AdmissionWaitingReply | import("../protocol/types").AdmissionLatenciesReply | import("../protocol/types").LimitSetReply | import("../protocol/types").LimitRemoveReply | import("../protocol/types").LimitRaiseReply | import("../protocol/types").LimitListReply | import("../protocol/types").LimitGetReply | import("../protocol/types").LimitTopUpReply | import("../protocol/types").PolicyApplyReply | import("../protocol/types").PolicyPreviewReply | import("../protocol/types").PolicyGetReply | import("../protocol/types").EngineEvictIdleBreakersReply | import("../protocol/types").EngineGrantTurnReply>;
    /** Waits until everything that was written is answered. */
    flush(): Promise<void>;
    close(): Promise<void>;
}
import { Client } from "../client";
import { Breakers } from "./breakers";
import { Marks } from "./marks";
import { Ledger } from "./ledger";
