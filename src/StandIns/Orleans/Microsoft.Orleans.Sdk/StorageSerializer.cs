namespace Orleans.Storage;

// What providers of grain storage write with. There is no serializer here that could be the default: one is named in the options.
public interface IGrainStorageSerializer
{
    BinaryData Serialize<T>(T? input);
    T Deserialize<T>(BinaryData input);
}

public interface IStorageProviderSerializerOptions
{
    IGrainStorageSerializer GrainStorageSerializer { get; set; }
}
