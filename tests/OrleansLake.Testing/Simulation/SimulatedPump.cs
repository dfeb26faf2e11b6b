using OrleansLake.Ingest;
using OrleansLake.Ingest.Pump;

namespace OrleansLake.Testing.Simulation;

/// <summary>One life of one pump: the real loop, turned by the scheduler.</summary>
internal sealed class SimulatedPump
{
    private readonly SimulationWorld _world;

    public SimulatedPump(SimulationWorld world, int index, Action<SimulatedPump, PumpEvent> onEvent)
    {
        _world = world;
        Index = index;
        Process = new SimulatedProcess(world, $"pump {index}");
        var catalog = new ProcessCatalog(world, Process);
        Loop = new PumpLoop(
            new PumpOptions { Pipeline = SimulationWorld.Pipeline, Generation = world.Generation, Silo = $"silo{index}", GapInterval = TimeSpan.FromSeconds(30) },
            new ModelSource(world.Broker, world.Random),
            new ModelWriters(world.Files, world.Scheduler, world.Ids) { IsAlive = () => Process.IsAlive, CloseTime = world.UpTo(2), Generation = world.GenerationNumber },
            new SimulatedNetwork(world, Process),
            new ModelBroker.Facts(world.Broker, world.Scheduler),
            async cancellationToken => new PumpTables(
                await catalog.LoadTableAsync(SimulationWorld.Rows, cancellationToken) ?? throw new InvalidOperationException("no table"),
                await catalog.LoadTableAsync(SimulationWorld.Dead, cancellationToken) ?? throw new InvalidOperationException("no table")),
            new MemoryBudget(1 << 20),
            Process.Time,
            world.Ids,
            pumpEvent =>
            {
                if (Process.IsAlive)
                {
                    onEvent(this, pumpEvent);
                }
            },
            world.Options.PumpRules,
            null);
        Turn();
    }

    public int Index { get; }

    public SimulatedProcess Process { get; }

    public PumpLoop Loop { get; }

    public void Attach(TopicPartition topicPartition) => Loop.Post(() => Loop.Attach(topicPartition, StartPosition.Earliest));

    private void Turn()
    {
        if (!Process.IsAlive)
        {
            return;
        }

        TimeSpan pause = TimeSpan.FromMilliseconds(_world.Random.Next(20, 600));
        if (Process.IsFrozen)
        {
            pause = Process.FrozenUntil - _world.Scheduler.Now;
        }
        else
        {
            Loop.Turn(TimeSpan.Zero);
        }

        _world.Scheduler.After(pause, Turn);
    }
}
