using OrleansLake.Iceberg;
using OrleansLake.Testing;
using OrleansLake.Testing.Orleans;

namespace OrleansLake.Grains.Tests;

/// <summary>Members, reminders and state in files beside the tables.</summary>
public sealed class ObjectStoreTablesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("orleanslake-state-").FullName;

    public static TheoryData<string> OfMembers => [.. ConformanceSuite.CasesOf<MembershipConformance>()];

    public static TheoryData<string> OfReminders => [.. ConformanceSuite.CasesOf<ReminderConformance>()];

    public static TheoryData<string> OfState => [.. ConformanceSuite.CasesOf<GrainStateConformance>()];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [MemberData(nameof(OfMembers))]
    public Task A_store_keeps_members(string name) => new MembershipConformance(
        cluster => Task.FromResult<IMembershipTable>(new ObjectStoreMembershipTable(new LocalObjectStore(), Path.Combine(_directory, cluster)))).RunAsync(name);

    [Theory]
    [MemberData(nameof(OfReminders))]
    public Task A_store_keeps_reminders(string name) => new ReminderConformance(() => new ObjectStoreReminderTable(new LocalObjectStore(), _directory)).RunAsync(name);

    [Theory]
    [MemberData(nameof(OfState))]
    public Task A_store_keeps_the_state_of_grains(string name) => new GrainStateConformance(() => new ObjectStoreGrainStorage(new LocalObjectStore(), _directory)).RunAsync(name);
}
