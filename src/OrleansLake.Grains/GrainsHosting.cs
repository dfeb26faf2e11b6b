using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OrleansLake.Ingest.Commit;
using OrleansLake.Ingest.Read;

namespace OrleansLake.Grains;

/// <summary>Puts the grains' own services into a silo.</summary>
public static class GrainsHosting
{
    /// <summary>
    /// What the grains need beside what the host brings: <see cref="Catalogs"/>, <see cref="PipelineTables"/>, <see cref="PipelineWriters"/>,
    /// <see cref="CommitIntervals"/>, <see cref="IPumpFactory"/>, <see cref="ITopicDirectory"/>, ids, storage named
    /// <see cref="GrainStorage.Name"/> and reminders.
    /// </summary>
    public static ISiloBuilder AddOrleansLakeGrains(this ISiloBuilder silo)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton<PumpHost>();
        silo.Services.AddSingleton<AlertHub>();
        silo.Services.AddSingleton<BranchPublisher>();
        silo.Services.AddSingleton<DeadLetterForwards>();
        silo.Services.AddSingleton<PipelineTroubles>();
        silo.Services.AddSingleton<TableCommitters>();
        silo.Services.TryAddSingleton(new UpkeepLimits());
        silo.Services.AddSingleton<UpkeepWorkers>();
        silo.Services.AddSingleton<UpkeepMetrics>();
        silo.Services.AddSingleton<ReplayRuns>();
        silo.Services.TryAddSingleton<IDeadLetterOffsets, DeadLetterOffsets>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, PumpLifecycle>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, MembershipWatch>();
        silo.Services.AddPlacementDirector<TopicPartitionPlacement, TopicPartitionPlacementDirector>();
        silo.Services.AddPlacementDirector<CompactionJobPlacement, CompactionJobPlacementDirector>();
        return silo;
    }
}
