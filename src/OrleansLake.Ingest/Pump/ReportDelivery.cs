using OrleansLake.Ingest.Commit;

namespace OrleansLake.Ingest.Pump;

/// <summary>
/// Brings one report to the committer until it is answered: sent again as it is when nothing is known of it, asked for again
/// when an answer is lost (rule 1). Runs beside the pump's thread.
/// </summary>
internal sealed class ReportDelivery(ICommitter committer, PumpOptions options, PumpRules rules, TimeProvider time, Func<Guid> newReportId)
{
    // "Not yet" is for what is on its way; what has not come by then will not come.
    private const int NotYetLimit = 20;
    private volatile string? _trouble;

    internal string? Trouble => _trouble;

    internal async Task<ReportAnswer> DeliverAsync(DataWritten report, CancellationToken cancellationToken)
    {
        var backOff = new BackOff(options);
        int notYet = 0;
        bool send = true;
        while (true)
        {
            try
            {
                if (send)
                {
                    await committer.EnqueueAsync(report, cancellationToken).WaitAsync(options.CallTimeout, time, cancellationToken);
                    send = false;
                }

                ReportAnswer answer = await committer.OutcomeAsync(report.ReportId, cancellationToken)
                    .WaitAsync(options.CallTimeout, time, cancellationToken);
                _trouble = null;
                switch (answer)
                {
                    case ReportAnswer.Committed:
                        return answer;
                    case ReportAnswer.Refused(RefusalReason.NotYet, _, _) when ++notYet < NotYetLimit:
                        send = true;
                        break;
                    case ReportAnswer.Refused:
                        return answer;
                    case ReportAnswer.NotKnown:
                        send = true;
                        break;
                    case ReportAnswer.Pending:
                        // The committer has waited; a short rest keeps one that answers at once from being asked in a circle.
                        backOff.Reset();
                        break;
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                _trouble = $"report {report.ReportId}: no answer from the committer: {e.Message}";
                if (!rules.SameReportAgain)
                {
                    report = report with { ReportId = newReportId() };
                    send = true;
                }
                else
                {
                    // A send that failed may have arrived: the id makes the second one harmless.
                    send |= backOff.Failures % 2 == 1;
                }
            }

            await Task.Delay(backOff.Next(), time, cancellationToken);
        }
    }
}
