using Orleans.Runtime;

namespace Orleans;

public interface IGrainFactory
{
    TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string? grainClassNamePrefix = null) where TGrainInterface : IGrainWithGuidKey;
    TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string? grainClassNamePrefix = null) where TGrainInterface : IGrainWithIntegerKey;
    TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null) where TGrainInterface : IGrainWithStringKey;
    TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithGuidCompoundKey;
    TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithIntegerCompoundKey;
    TGrainInterface GetGrain<TGrainInterface>(GrainId grainId) where TGrainInterface : IAddressable;
    IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey);
    IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey);
    IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey);
}

public interface IClusterClient : IGrainFactory
{
    IServiceProvider ServiceProvider { get; }
}

internal abstract class GrainFactory : IGrainFactory
{
    protected abstract ICallRuntime Runtime { get; }

    public TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string? grainClassNamePrefix) where TGrainInterface : IGrainWithGuidKey =>
        (TGrainInterface)Create(typeof(TGrainInterface), GrainKey.Create(primaryKey), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string? grainClassNamePrefix) where TGrainInterface : IGrainWithIntegerKey =>
        (TGrainInterface)Create(typeof(TGrainInterface), GrainKey.Create(primaryKey), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix) where TGrainInterface : IGrainWithStringKey =>
        (TGrainInterface)Create(typeof(TGrainInterface), Checked(primaryKey), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix)
        where TGrainInterface : IGrainWithGuidCompoundKey =>
        (TGrainInterface)Create(typeof(TGrainInterface), GrainKey.Create(primaryKey, keyExtension), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string keyExtension, string? grainClassNamePrefix)
        where TGrainInterface : IGrainWithIntegerCompoundKey =>
        (TGrainInterface)Create(typeof(TGrainInterface), GrainKey.Create(primaryKey, keyExtension), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(GrainId grainId) where TGrainInterface : IAddressable =>
        (TGrainInterface)(object)GrainReference.Create(typeof(TGrainInterface), grainId, Runtime);

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey) =>
        (IGrain)Create(grainInterfaceType, GrainKey.Create(grainPrimaryKey), null);

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey) =>
        (IGrain)Create(grainInterfaceType, GrainKey.Create(grainPrimaryKey), null);

    public IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey) =>
        (IGrain)Create(grainInterfaceType, Checked(grainPrimaryKey), null);

    private static IdSpan Checked(string key)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        return IdSpan.Create(key);
    }

    private object Create(Type grainInterface, IdSpan key, string? classNamePrefix) =>
        GrainReference.Create(grainInterface, GrainId.Create(Runtime.GrainTypeOf(grainInterface, classNamePrefix), key), Runtime);
}
