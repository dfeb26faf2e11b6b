using Microsoft.Extensions.Logging;
using OrleansLake.Contracts;

namespace OrleansLake.Grains;

/// <summary>
/// Wakes the pipelines when silos come or go, so that topic-partitions of a dead silo come up on another and a new silo gets
/// its share. Again and again for a while: a grain may still be lost with the part of the directory that a dead silo had.
/// </summary>
internal sealed class MembershipWatch(
    IClusterMembershipService membership, ILocalSiloDetails self, IGrainFactory grains, TimeProvider time, ILogger<MembershipWatch> logger) : ILifecycleParticipant<ISiloLifecycle>
{
    private static readonly TimeSpan WakePeriod = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan WakeSpan = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _changed = new(0);
    private Task _watch = Task.CompletedTask;

    /// <inheritdoc />
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(MembershipWatch), ServiceLifecycleStage.Active + 1, StartAsync, StopAsync);

    /// <summary>The silos that may have topic-partitions, the oldest first.</summary>
    public static SiloAddress[] Active(ClusterMembershipSnapshot snapshot) =>
        [.. snapshot.Members.Values.Where(member => member.Status == SiloStatus.Active).Select(member => member.SiloAddress).Order()];

    private Task StartAsync(CancellationToken cancellationToken)
    {
        _watch = Task.Run(() => Task.WhenAll(FollowAsync(), WakeAsync()), CancellationToken.None);
        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _watch;
    }

    private async Task FollowAsync()
    {
        SiloAddress[] before = [];
        try
        {
            await foreach (ClusterMembershipSnapshot snapshot in membership.MembershipUpdates.WithCancellation(_stop.Token))
            {
                SiloAddress[] now = Active(snapshot);
                if (before.Length > 0 && !now.SequenceEqual(before))
                {
                    logger.LogMembers(string.Join(", ", now.Select(silo => silo.Endpoint)), string.Join(", ", before.Select(silo => silo.Endpoint)));
                    _changed.Release();
                }

                before = now;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    private async Task WakeAsync()
    {
        try
        {
            while (true)
            {
                await _changed.WaitAsync(_stop.Token);
                long since = time.GetTimestamp();
                do
                {
                    // One silo is enough; when that is the one that dies, the members change once more.
                    if (Active(membership.CurrentSnapshot).FirstOrDefault()?.Equals(self.SiloAddress) == true)
                    {
                        await WakePipelinesAsync();
                    }

                    if (await _changed.WaitAsync(WakePeriod, _stop.Token))
                    {
                        since = time.GetTimestamp();
                    }
                }
                while (time.GetElapsedTime(since) < WakeSpan);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The silo stops.
        }
    }

    private async Task WakePipelinesAsync()
    {
        try
        {
            PipelineEntry[] pipelines = await grains.GetGrain<ILakeGrain>(GrainKeys.Lake).PipelinesAsync().WaitAsync(_stop.Token);
            await Task.WhenAll(pipelines.Select(pipeline => grains.GetGrain<IPipelineGrain>(pipeline.Name).DiscoverAsync())).WaitAsync(_stop.Token);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            logger.LogWakeFailed(WakePeriod, error.Message);
        }
    }
}
